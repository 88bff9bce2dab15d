"""Pictures whose value is known at every point, between pixels too."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from difface_cli.faces import resample

Array = npt.NDArray[Any]


def waves(x: Array, y: Array, period: float = 24.0) -> Array:
    """A smooth colour picture at any coordinates, ...×3 in [0.1, 0.9]."""
    k = 2 * np.pi / period
    parts = [(0.8, 0.3, 0.1), (-0.4, 0.7, 1.3), (0.5, -0.6, 2.1)]
    return np.stack([0.5 + 0.4 * np.sin(k * (a * x + b * y) + c) for a, b, c in parts], axis=-1)


def ramp(x: Array, y: Array) -> Array:
    """A colour gradient, linear in both directions, ...×3."""
    return np.stack([0.2 + x / 2000, 0.2 + y / 2000, 0.7 - (x + y) / 4000], axis=-1)


def sampled(picture: Any, height: int, width: int, dtype: Any = np.uint8, **options: Any) -> Array:
    """The picture at its pixels, in integers."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    return np.rint(picture(x, y, **options) * np.iinfo(dtype).max).astype(dtype)


def through(picture: Any, inverse: Array, size: int, **options: Any) -> Array:
    """The picture as an ideal crop shows it, size×size×3."""
    y, x = np.mgrid[0:size, 0:size].astype(float)
    points = resample.apply(inverse, np.stack([x, y], axis=-1))
    return picture(points[..., 0], points[..., 1], **options)


def rotation(scale: float, degrees: float, x: float, y: float) -> Array:
    """The matrix that scales and turns, then adds (x, y)."""
    a = scale * np.exp(1j * np.radians(degrees))
    return np.array([[a.real, -a.imag, x], [a.imag, a.real, y]])


def centred(scale: float, degrees: float, centre: tuple[float, float], size: int) -> Array:
    """The matrix that brings a photo's point to the middle of the aligned face."""
    matrix = rotation(scale, degrees, 0, 0)
    matrix[:, 2] = (size - 1) / 2 - matrix[:, :2] @ centre
    return matrix


def psnr(one: Array, other: Array) -> float:
    """Peak signal to noise, dB, of pictures in [0, 1]."""
    return float(-10 * np.log10(np.mean((one - other) ** 2) + 1e-12))
