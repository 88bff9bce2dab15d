"""The paper's degradation, eq. 17: y = {[(x ∗ k_l)↓s + n_σ]_JPEG_q}↑s.

Blur and scale are given for faces of 512 pixels, the paper's size, and shrink with the picture,
so that the low-quality picture has the same number of pixels whatever the size worked at.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

PAPER_SIZE = 512
PAPER_KERNEL = 41


@dataclass(frozen=True)
class Degradation:
    """One draw of eq. 17's parameters.

    Attributes:
        sigma_x, sigma_y: standard deviations of the blur along its axes, pixels at 512.
        angle: of the blur's first axis, radians.
        scale: downsampling factor at 512; below 1 it enlarges.
        noise: standard deviation of the Gaussian noise, of 255.
        quality: of the JPEG, 1 to 100.
        gray: whether colour is lost.
        resample: "bicubic" (paper), "bilinear" (published code) or "area".
        seed: of the noise.
    """

    sigma_x: float
    sigma_y: float
    angle: float
    scale: float
    noise: float
    quality: int
    gray: bool = False
    resample: str = "bicubic"
    seed: int = 0

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade a picture: 3×h×w in [0, 1] → the same shape, quantised as the JPEG is."""
        return resize(self.shrink(x), (x.shape[1], x.shape[2]), self.resample).clamp(0, 1)

    def shrink(self, x: Tensor) -> Tensor:
        """Everything but the way back to size: 3×h×w in [0, 1] → the small JPEG's pixels."""
        height, width = x.shape[1:]
        relative = max(height, width) / PAPER_SIZE
        y = blur(x, self.sigma_x * relative, self.sigma_y * relative, self.angle, relative)
        factor = max(self.scale * relative, 1e-3)
        small = (max(1, round(height / factor)), max(1, round(width / factor)))
        y = resize(y, small, self.resample)
        rng = np.random.default_rng(self.seed)
        n = rng.standard_normal(y.shape, dtype=np.float32) * (self.noise / 255)
        y = (y + torch.from_numpy(n)).clamp(0, 1)
        if self.gray:
            y = luma(y).expand_as(y)
        return jpeg(y, self.quality)


def training(rng: np.random.Generator, resample: str = "bicubic") -> Degradation:
    """Draw from the ranges the estimators are trained on (section VI-A, published code)."""
    sigma_x, sigma_y = rng.uniform(0.1, 15, 2)
    isotropic = rng.random() < 0.5
    return Degradation(
        sigma_x=float(sigma_x),
        sigma_y=float(sigma_x if isotropic else sigma_y),
        angle=0.0 if isotropic else float(rng.uniform(-math.pi, math.pi)),
        scale=float(rng.uniform(0.8, 32)),
        noise=float(rng.uniform(0, 20)),
        quality=int(rng.integers(30, 101)),
        gray=bool(rng.random() < 0.01),
        resample=resample,
        seed=int(rng.integers(2**31)),
    )


def celeba_test(rng: np.random.Generator) -> Degradation:
    """Draw from the test grid of appendix A: 5 · 5 · 4 · 4 · 10 settings, angle drawn freely."""
    sigma_x, sigma_y = rng.choice([3, 6, 9, 12, 15], 2)
    return Degradation(
        sigma_x=float(sigma_x),
        sigma_y=float(sigma_y),
        angle=float(rng.uniform(-math.pi, math.pi)),
        scale=float(rng.choice(range(4, 41, 4))),
        noise=float(rng.choice([1, 5, 10, 15])),
        quality=int(rng.choice([30, 40, 50, 60])),
        seed=int(rng.integers(2**31)),
    )


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
    """Convolve 3×h×w with a Gaussian of the paper's width, reflecting at the border."""
    radius = max(1, round(PAPER_KERNEL // 2 * relative))
    radius = min(radius, min(x.shape[1:]) - 1)
    kernel = gaussian_kernel(sigma_x, sigma_y, angle, 2 * radius + 1)
    padded = F.pad(x[:, None], (radius,) * 4, mode="reflect")
    # A Gaussian blur this wide is cheaper in the frequency domain than 41² products a pixel.
    size = padded.shape[-2:]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernel, s=size)
    y: Tensor = torch.fft.irfft2(spectrum, s=size)[..., 2 * radius :, 2 * radius :]
    return y[:, 0]


def resize(x: Tensor, size: tuple[int, int], resample: str) -> Tensor:
    """Resize 3×h×w to `size`, antialiased where it shrinks."""
    if size == tuple(x.shape[1:]):
        return x
    if resample == "area":
        shrinks = size[0] <= x.shape[1] and size[1] <= x.shape[2]
        resized = F.interpolate(x[None], size, mode="area" if shrinks else "nearest")
    else:
        resized = F.interpolate(x[None], size, mode=resample, align_corners=False, antialias=True)
    return resized[0]


def luma(x: Tensor) -> Tensor:
    """BT.601 luma of RGB: 3×h×w → 1×h×w."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype, device=x.device)
    y: Tensor = torch.einsum("chw,c->hw", x, weights)
    return y[None]


def jpeg(x: Tensor, quality: int) -> Tensor:
    """What JPEG leaves of 3×h×w in [0, 1]."""
    pixels = (x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    decoded = np.array(Image.open(buffer))
    return torch.from_numpy(decoded).permute(2, 0, 1).float() / 255
