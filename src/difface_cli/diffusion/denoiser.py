"""The one contract between priors and samplers: what a network says about x_t."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from difface_cli.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Denoised:
    """A denoiser's view of x_t.

    Attributes:
        x0: the clean picture, b×3×h×w in [-1, 1].
        eps: the noise in x_t. Kept beside x0 because a step uses the network's own eps even where
            x0 was clipped or refined since (published code).
        variance: where the network learned its variance, the fraction in [-1, 1] between the
            smallest and the largest (Nichol & Dhariwal 2021, eq. 15).
    """

    x0: Tensor
    eps: Tensor
    variance: Tensor | None = None

    def with_x0(self, x0: Tensor) -> Denoised:
        """The same noise with another clean picture, as refinement makes it (eq. 16)."""
        return replace(self, x0=x0)


# (x_t, t) → Denoised. Refinements wrap a denoiser and return a denoiser.
Denoiser = Callable[[Tensor, int], Denoised]
Network = Callable[[Tensor, Tensor], Tensor]


def eps_from_x0(x_t: Tensor, x0: Tensor, alpha_bar: float) -> Tensor:
    """Solve eq. 2 for the noise."""
    return (x_t - math.sqrt(alpha_bar) * x0) / math.sqrt(1 - alpha_bar)


def x0_from_eps(x_t: Tensor, eps: Tensor, alpha_bar: float) -> Tensor:
    """Eq. 7."""
    return (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)


def from_network(network: Network, schedule: Schedule, predicts: str = "eps") -> Denoiser:
    """Make a denoiser of a network.

    Args:
        network: (x_t, timesteps (b,)) → b×3×h×w, or b×6×h×w with the variance's fraction.
        predicts: "eps" or "x0", what the first three channels are.

    The clean picture is clipped to [-1, 1]. An eps-network's noise stays as it is; for an
    x0-network it is derived from x_t and the clipped x0.
    """
    if predicts not in {"eps", "x0"}:
        raise ValueError(f"a prior predicts eps or x0, not {predicts!r}")

    def denoise(x_t: Tensor, t: int) -> Denoised:
        t_batch = torch.full((len(x_t),), t, device=x_t.device)
        out = network(x_t, t_batch).to(x_t.dtype)
        first, variance = out[:, :3], out[:, 3:] if out.shape[1] == 6 else None
        a = schedule.alpha_bar[t]
        if predicts == "eps":
            return Denoised(x0_from_eps(x_t, first, a).clamp(-1, 1), first, variance)
        x0 = first.clamp(-1, 1)
        return Denoised(x0, eps_from_x0(x_t, x0, a), variance)

    return denoise
