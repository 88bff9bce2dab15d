"""The paper's degradation, eq. 17: y = {[(x ∗ k_l)↓s + n_σ]_JPEG_q}↑s."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from difface_cli.degradations import parts
from difface_cli.degradations.parts import PAPER_SIZE, RESAMPLES


@dataclass(frozen=True)
class Degradation:
    """One draw of eq. 17's parameters.

    Attributes:
        sigma_x, sigma_y: standard deviations of the blur along its axes, pixels at 512; 0 and 0
            for none.
        angle: of the blur's first axis, radians.
        scale: downsampling factor at 512; below 1 it enlarges.
        noise: standard deviation of the Gaussian noise, of 255; 0 for none.
        quality: of the JPEG, 1 to 100; None for no JPEG.
        gray: whether colour is lost.
        resample: "bicubic" (paper), "bilinear" (published code) or "area".
        seed: of the noise.

    Raises:
        ValueError: for a parameter outside its range.
    """

    sigma_x: float
    sigma_y: float
    angle: float
    scale: float
    noise: float
    quality: int | None
    gray: bool = False
    resample: str = "bicubic"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what eq. 17 has no meaning for."""
        numbers = (self.sigma_x, self.sigma_y, self.angle, self.noise)
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"blur, angle and noise must be finite, not {numbers}")
        if min(self.sigma_x, self.sigma_y) < 0:
            raise ValueError(f"blur must not be negative: {self.sigma_x}, {self.sigma_y}")
        if not 0.01 <= self.scale <= 1000:
            raise ValueError(f"scale must be 0.01 to 1000, not {self.scale}")
        if min(self.noise, self.seed) < 0:
            raise ValueError(f"noise and its seed must not be negative: {self.noise}, {self.seed}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ValueError(f"quality must be 1 to 100, not {self.quality}")
        if self.resample not in RESAMPLES:
            raise ValueError(f"resample must be one of {RESAMPLES}, not {self.resample!r}")

    def toned(self, x: Tensor) -> Tensor:
        """The truth: 3×h×w in [0, 1], without colour where it is lost."""
        return parts.luma(x).expand_as(x) if self.gray else x

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade a picture: 3×h×w in [0, 1] → the same shape, quantised as the JPEG is."""
        return parts.resize(self.shrink(x), (x.shape[1], x.shape[2]), self.resample).clamp(0, 1)

    def shrink(self, x: Tensor) -> Tensor:
        """Everything but the way back to size: 3×h×w in [0, 1] → the small JPEG's pixels."""
        height, width = x.shape[1:]
        relative = max(height, width) / PAPER_SIZE
        y = x
        if self.sigma_x or self.sigma_y:
            y = parts.blur(
                y, self.sigma_x * relative, self.sigma_y * relative, self.angle, relative
            )
        factor = self.scale * relative
        y = parts.resize(
            y, (max(1, round(height / factor)), max(1, round(width / factor))), self.resample
        )
        y = parts.noise(y, self.noise, self.seed) if self.noise else y.clamp(0, 1)
        if self.gray:
            y = parts.luma(y).expand_as(y)
        return y if self.quality is None else parts.jpeg(y, self.quality)


def batch(x: Tensor, settings: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """Degrade each picture by its own draw: b×3×h×w in [0, 1] → the same shape.

    Bit for bit what every degradation makes of its picture alone. One picture after the other:
    on one thread that takes less than half the time of batched Fourier transforms, whose data
    leaves the processor's cache (`benchmarks/degradations.py`).

    Raises:
        ValueError: when pictures and settings differ in number.
    """
    y = torch.empty_like(x)
    for i, (picture, degradation) in enumerate(zip(x, settings, strict=True)):
        y[i] = degradation(picture)
    return y
