"""The operators of eq. 17: blur, resize, noise, JPEG; each maps 3×h×w in [0, 1] to its like."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from difface_cli.base.luma import LUMA

PAPER_SIZE = 512
PAPER_KERNEL = 41
RESAMPLES = ("bicubic", "bilinear", "area")


def gaussian_kernel(sigma_x: float, sigma_y: float, angle: float, size: int) -> Tensor:
    """The anisotropic Gaussian of eq. 18, (size, size), summing to 1."""
    axis = torch.arange(size, dtype=torch.float32) - size // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    tiny = 1e-3  # a kernel narrower than a pixel is the identity, not a division by zero
    exponent = (along / max(sigma_x, tiny)) ** 2 + (across / max(sigma_y, tiny)) ** 2
    kernel = torch.exp(-0.5 * exponent)
    return kernel / kernel.sum()


def blur(x: Tensor, sigma_x: float, sigma_y: float, angle: float, relative: float) -> Tensor:
    """Convolve 3×h×w with a Gaussian of the paper's width, reflecting at the border.

    Args:
        sigma_x, sigma_y: standard deviations in pixels of x, along the axes turned by `angle`.
        relative: size of x against the paper's 512; the kernel of 41 pixels grows with it.
    """
    from scipy.fft import next_fast_len

    height, width = x.shape[1:]
    radius = max(1, round(PAPER_KERNEL // 2 * relative))
    radius = min(radius, height - 1, width - 1)
    kernel = gaussian_kernel(sigma_x, sigma_y, angle, 2 * radius + 1).to(x.device)
    padded = F.pad(x[:, None], (radius,) * 4, mode="reflect")[:, 0]
    # A Gaussian blur this wide is cheaper in the frequency domain than 41² products a pixel,
    # and one channel at a time stays in the processor's cache.
    size = [next_fast_len(side + 2 * radius, real=True) for side in (height, width)]
    transfer = torch.fft.rfft2(kernel, s=size)
    inside = (slice(2 * radius, 2 * radius + height), slice(2 * radius, 2 * radius + width))
    channels = (torch.fft.irfft2(torch.fft.rfft2(c, s=size) * transfer, s=size) for c in padded)
    return torch.stack([channel[inside] for channel in channels])


def resize(x: Tensor, size: tuple[int, int], resample: str) -> Tensor:
    """Resize 3×h×w to `size`, antialiased where it shrinks; "area" enlarges bilinearly."""
    if size == tuple(x.shape[1:]):
        return x
    shrinks = size[0] <= x.shape[1] and size[1] <= x.shape[2]
    if resample == "area" and shrinks:
        return F.interpolate(x[None], size, mode="area")[0]
    mode = "bilinear" if resample == "area" else resample
    return F.interpolate(x[None], size, mode=mode, align_corners=False, antialias=True)[0]


def noise(x: Tensor, sigma: float, seed: int) -> Tensor:
    """Add Gaussian noise of standard deviation `sigma`, of 255; clipped to [0, 1]."""
    n = np.random.default_rng(seed).standard_normal(x.shape, dtype=np.float32)
    return (x + torch.from_numpy(n).to(x) * (sigma / 255)).clamp(0, 1)


def luma(x: Tensor) -> Tensor:
    """BT.601 luma of RGB: 3×h×w → 1×h×w."""
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device)
    y: Tensor = torch.einsum("chw,c->hw", x, weights)
    return y[None]


def jpeg(x: Tensor, quality: int) -> Tensor:
    """What JPEG leaves of 3×h×w in [0, 1], colour at half resolution as is usual."""
    pixels = (x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    decoded = np.array(Image.open(buffer))
    return torch.from_numpy(decoded).permute(2, 0, 1).to(x) / 255
