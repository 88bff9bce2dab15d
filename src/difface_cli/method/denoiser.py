"""The one contract between priors and samplers: what a network says about x_t."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from difface_cli.method.schedule import Schedule


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

    def split(self, sizes: list[int]) -> list[Denoised]:
        """The views of so many pictures each, in their order."""
        x0, eps = torch.split(self.x0, sizes), torch.split(self.eps, sizes)
        if self.variance is None:
            return [Denoised(*parts) for parts in zip(x0, eps, strict=True)]
        variance = torch.split(self.variance, sizes)
        return [Denoised(*parts) for parts in zip(x0, eps, variance, strict=True)]


# (x_t, t) → Denoised. Refinements wrap a denoiser and return a denoiser.
Denoiser = Callable[[Tensor, int], Denoised]
# One that also takes a timestep for each picture, as `chains` asks.
BatchDenoiser = Callable[[Tensor, int | Sequence[int]], Denoised]
Network = Callable[[Tensor, Tensor], Tensor]


def eps_from_x0(x_t: Tensor, x0: Tensor, alpha_bar: float) -> Tensor:
    """Solve eq. 2 for the noise."""
    return (x_t - math.sqrt(alpha_bar) * x0) / math.sqrt(1 - alpha_bar)


def x0_from_eps(x_t: Tensor, eps: Tensor, alpha_bar: float) -> Tensor:
    """Eq. 7."""
    return (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)


def from_network(network: Network, schedule: Schedule, predicts: str = "eps") -> BatchDenoiser:
    """Make a denoiser of a network; it takes one timestep for all pictures, or one for each.

    Args:
        network: (x_t, timesteps (b,)) → b×3×h×w, or b×6×h×w with the variance's fraction.
        predicts: "eps" or "x0", what the first three channels are.

    The clean picture is clipped to [-1, 1]. An eps-network's noise stays as it is; for an
    x0-network it is derived from x_t and the clipped x0.
    """
    if predicts not in {"eps", "x0"}:
        raise ValueError(f"a prior predicts eps or x0, not {predicts!r}")

    def denoise(x_t: Tensor, t: int | Sequence[int]) -> Denoised:
        if isinstance(t, int):
            t_batch = torch.full((len(x_t),), t, device=x_t.device)
            return view(x_t, network(x_t, t_batch).to(x_t.dtype), t)
        # Filled there: a copy of numbers to the device would wait for it at each step.
        t_batch = torch.cat([torch.full((1,), each, device=x_t.device) for each in t])
        out = network(x_t, t_batch).to(x_t.dtype)
        # Picture by picture, so that its coefficients are Python floats here as well: each comes
        # out as it would with its timestep alone.
        singles = zip(torch.split(x_t, 1), torch.split(out, 1), t, strict=True)
        return _join([view(*single) for single in singles])

    def view(x_t: Tensor, out: Tensor, t: int) -> Denoised:
        first, variance = out[:, :3], out[:, 3:] if out.shape[1] == 6 else None
        a = schedule.alpha_bar[t]
        if predicts == "eps":
            return Denoised(x0_from_eps(x_t, first, a).clamp(-1, 1), first, variance)
        x0 = first.clamp(-1, 1)
        return Denoised(x0, eps_from_x0(x_t, x0, a), variance)

    return denoise


def _join(views: Sequence[Denoised]) -> Denoised:
    """The views of single pictures as that of their batch."""
    variances = [view.variance for view in views if view.variance is not None]
    return Denoised(
        torch.cat([view.x0 for view in views]),
        torch.cat([view.eps for view in views]),
        torch.cat(variances) if variances else None,
    )
