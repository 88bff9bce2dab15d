"""Draw finer what the prior itself is sure of: perturbed-attention guidance.

Ahn et al. 2024, "Self-Rectifying Diffusion Sampling with Perturbed-Attention Guidance" (arXiv
2403.17377), on a prior without a condition. A network whose attention sees nothing but its own
place draws the parts of a face without knowing of the others, and softer. What it lacks beside the
network itself is what that one adds by seeing the whole face; guidance adds more of it:
x0 + w (x0 - x0'), their eq. 15. Here only the fine part of the difference is added, what a blur of
`RADIUS` takes away. The coarse part moves colours and features, and so the likeness, without making
anything clearer.

This is not part of the paper's method: with w = 0 nothing of it is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.method.denoiser import Denoised

T = TypeVar("T")  # a timestep, or one for each picture

RADIUS = 1.5 / 256
"""Standard deviation of the blur, as a share of the picture's side."""
LARGEST = 10.0
"""Of the scale w: far beyond what is of use, which ends at about 3."""


def guided(
    denoise: Callable[[Tensor, T], Denoised],
    perturbed: Callable[[Tensor, T], Denoised],
    scale: float,
) -> Callable[[Tensor, T], Denoised]:
    """A denoiser whose clean picture has more of what attention adds to its fine parts.

    The noise stays the network's own, and the picture is clipped to [-1, 1], as in a refinement.

    Args:
        denoise: takes a timestep for all pictures, or one for each; the guided one takes the same.
        perturbed: the same network with each position attending to itself alone.
        scale: w; 0 gives `denoise` itself.

    Raises:
        ValueError: for a scale outside 0 to `LARGEST`.
    """
    if not 0 <= scale <= LARGEST:
        raise ValueError(f"guidance must be 0 to {LARGEST:g}, not {scale:g}")
    if scale == 0:
        return denoise

    def sharper(x_t: Tensor, t: T) -> Denoised:
        d = denoise(x_t, t)
        more = d.x0 - perturbed(x_t, t).x0
        fine = more - blurred(more, RADIUS * x_t.shape[-1])
        return d.with_x0((d.x0 + scale * fine).clamp(-1, 1))

    return sharper


def blurred(x: Tensor, sigma: float) -> Tensor:
    """b×c×h×w blurred by a Gaussian of `sigma` pixels, mirrored at the edges."""
    reach = min(math.ceil(3 * sigma), min(x.shape[-2:]) - 1)
    offsets = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)
    x = F.pad(x, (reach,) * 4, mode="reflect")
    x = F.conv2d(x, kernel.unsqueeze(-1), groups=x.shape[1])
    return F.conv2d(x, kernel.unsqueeze(-2), groups=x.shape[1])
