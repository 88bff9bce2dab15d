"""The variational bound that a learned variance is trained with (Nichol & Dhariwal 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from difface_cli.method.schedule import Schedule

HALF_PIXEL = 1 / 255  # half the distance of two grey values on [-1, 1]


def terms(schedule: Schedule, x0: Tensor, x_t: Tensor, t: Tensor, out: Tensor) -> Tensor:
    """Each picture's term L_t of the bound, (b,), in bits a dimension.

    The mean comes from eps without a gradient, so that the bound teaches the variance alone.

    Args:
        x0, x_t: b×3×h×w.
        t: (b,) timesteps.
        out: b×6×h×w: eps, and the variance's fraction in [-1, 1] (eq. 15).
    """
    a = torch.tensor(schedule.alpha_bar, dtype=torch.float64, device=t.device)
    before = torch.cat([a.new_ones(1), a[:-1]])
    beta = 1 - a / before
    posterior = beta * (1 - before) / (1 - a)
    # β̃_0 is 0; its logarithm is taken from the next step (Ho et al. 2020).
    log_smallest = torch.log(torch.cat([posterior[1:2], posterior[1:]]))

    def at(values: Tensor) -> Tensor:
        return values[t].to(x0).view(-1, 1, 1, 1)

    eps, fraction = out[:, :3].detach(), (out[:, 3:] + 1) / 2
    x0_hat = ((x_t - at((1 - a).sqrt()) * eps) / at(a.sqrt())).clamp(-1, 1)
    from_x0 = at(before.sqrt() * beta / (1 - a))
    from_x_t = at((1 - beta).sqrt() * (1 - before) / (1 - a))
    mean, guess = from_x0 * x0 + from_x_t * x_t, from_x0 * x0_hat + from_x_t * x_t
    log_true = at(log_smallest)
    log_guess = log_true + fraction * (at(beta.log()) - log_true)
    divergence = _kl(mean, log_true, guess, log_guess)
    likelihood = -_log_likelihood(x0, guess, log_guess)
    first = (t == 0).view(-1, 1, 1, 1)
    return torch.where(first, likelihood, divergence).flatten(1).mean(1) / math.log(2)


def _kl(mean_p: Tensor, log_p: Tensor, mean_q: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) of Gaussians with these means and logarithms of the variance, in nats."""
    distance = (mean_p - mean_q) ** 2 * torch.exp(-log_q)
    return 0.5 * (log_q - log_p - 1 + torch.exp(log_p - log_q) + distance)


def _log_likelihood(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of 8-bit values on [-1, 1] under a Gaussian: the mass in their bin (Ho et al., eq. 13)."""
    scale = torch.exp(-0.5 * log_variance)

    def below(edge: Tensor) -> Tensor:
        mass: Tensor = torch.special.ndtr((edge - mean) * scale)
        return mass

    upper = torch.where(x > 0.999, torch.ones_like(x), below(x + HALF_PIXEL))
    lower = torch.where(x < -0.999, torch.zeros_like(x), below(x - HALF_PIXEL))
    return torch.log((upper - lower).clamp(min=1e-12))
