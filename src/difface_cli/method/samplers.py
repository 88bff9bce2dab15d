"""From x_N back to a clean picture.

A sampler takes any denoiser, the timesteps to visit, and a source of noise; it knows nothing of
networks, masks or devices. All coefficients are Python floats of the float64 schedule: nothing is
copied to the device, and nothing is waited for, inside the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoiser
from difface_cli.method.schedule import Schedule, spaced

Noise = Callable[[], Tensor]  # one fresh standard normal draw of the picture's shape
Step = tuple[int, float, float]
Track = Callable[[Sequence[Step]], Iterable[Step]]  # watches a loop without changing it


def ddim_sigma(eta: float, a: float, a_prev: float) -> float:
    """The noise of a step from alpha_bar a to a': Song et al. 2021, eq. 16.

    The published code's (and DDIM's) eta·√((1-a')/(1-a))·√(1-a/a'), so its square carries eta²,
    where the paper's eq. 6 writes eta.
    """
    return eta * math.sqrt((1 - a_prev) / (1 - a)) * math.sqrt(1 - a / a_prev)


def ddim(
    denoise: Denoiser,
    x: Tensor,
    schedule: Schedule,
    visited: Sequence[int],
    noise: Noise,
    *,
    eta: float = 0.5,
    track: Track = iter,
) -> Tensor:
    """Song et al. 2021, eq. 12 and 16; the paper's algorithm 1.

    Args:
        x: x_N, b×3×h×w.
        visited: ascending timesteps, all below N.
        eta: 0 is deterministic, 1 is DDPM's variance.
        track: sees the steps go by, for progress.

    Returns:
        x_0, b×3×h×w. The last step adds no noise.
    """
    for t, a, a_prev in track(spaced(schedule, visited)):
        d = denoise(x, t)
        sigma = ddim_sigma(eta, a, a_prev)
        x = math.sqrt(a_prev) * d.x0 + math.sqrt(1 - a_prev - sigma**2) * d.eps
        if sigma > 0:
            x = x + sigma * noise()
    return x


def ddpm(
    denoise: Denoiser,
    x: Tensor,
    schedule: Schedule,
    visited: Sequence[int],
    noise: Noise,
    *,
    track: Track = iter,
) -> Tensor:
    """Ancestral sampling: Ho et al. 2020, eq. 6–7, respaced as in Nichol & Dhariwal 2021.

    Where the network learned its variance, log σ² lies between log β̃ and log β by the predicted
    fraction; otherwise σ² = β̃.

    Args and returns as `ddim`, without eta.
    """
    for t, a, a_prev in track(spaced(schedule, visited)):
        d = denoise(x, t)
        alpha, beta = a / a_prev, 1 - a / a_prev
        from_x0 = math.sqrt(a_prev) * beta / (1 - a)
        from_xt = math.sqrt(alpha) * (1 - a_prev) / (1 - a)
        x = from_x0 * d.x0 + from_xt * x
        if a_prev < 1:
            smallest = beta * (1 - a_prev) / (1 - a)
            if d.variance is None:
                x = x + math.sqrt(smallest) * noise()
            else:
                fraction = (d.variance + 1) / 2
                log_variance = torch.lerp(
                    torch.full_like(fraction, math.log(smallest)),
                    torch.full_like(fraction, math.log(beta)),
                    fraction,
                )
                x = x + torch.exp(0.5 * log_variance) * noise()
    return x
