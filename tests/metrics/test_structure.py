"""MS-SSIM and GMSD, against implementations from their papers without OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from scipy import ndimage, signal

from difface_cli.metrics import structure
from difface_cli.metrics.structure import gmsd, ms_ssim

Floats = npt.NDArray[np.float32]
NAMES = (
    "astronaut",
    "cat",
    "coffee",
    "rocket",
    "retina",
    "camera",
    "coins",
    "moon",
    "brick",
    "text",
)
SIDE = 176


def pairs() -> list[tuple[Floats, Floats]]:
    """Ten pictures, each with a worse version of itself."""
    rng = np.random.default_rng(0)
    made = []
    for k, name in enumerate(NAMES):
        pixels = getattr(skimage.data, name)()
        pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        a = cv2.resize(pixels, (SIDE, SIDE + k), interpolation=cv2.INTER_AREA)
        a = (a / 255).astype(np.float32)
        b = cv2.GaussianBlur(a, (0, 0), 0.3 + 0.3 * k) if k % 2 else a
        made.append((a, np.clip(b + rng.normal(0, 0.01 * (k + 1), a.shape), 0, 1).astype("f4")))
    return made


def direct_ms_ssim(a: Floats, b: Floats) -> float:
    """Wang et al. 2003, equation 7, by plain convolutions of one channel after the other."""
    x = np.arange(-5, 6)
    window = np.exp(-(x[:, None] ** 2 + x**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(signal.convolve2d(u, window, "valid"))

    channels = []
    for u, v in zip(
        a.astype(float).transpose(2, 0, 1), b.astype(float).transpose(2, 0, 1), strict=True
    ):
        value = 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            mu, nu = mean(u), mean(v)
            uu, vv, uv = mean(u * u) - mu**2, mean(v * v) - nu**2, mean(u * v) - mu * nu
            part = (2 * uv + 9e-4) / (uu + vv + 9e-4)
            if scale == 4:
                part = part * (2 * mu * nu + 1e-4) / (mu**2 + nu**2 + 1e-4)
            value *= max(part.mean(), 0) ** weight
            u, v = (w[: len(w) // 2 * 2, : w.shape[1] // 2 * 2] for w in (u, v))
            u, v = ((w[::2, ::2] + w[1::2, ::2] + w[::2, 1::2] + w[1::2, 1::2]) / 4 for w in (u, v))
        channels.append(value)
    return float(np.mean(channels))


def direct_gmsd(a: Floats, b: Floats) -> float:
    """Xue et al. 2014, in their units of 0 to 255."""
    kernel = np.array([[1, 0, -1]] * 3) / 3

    def gradients(picture: Floats) -> npt.NDArray[np.float64]:
        y = 255 * (picture.astype(float) @ [0.299, 0.587, 0.114])
        y = y[: len(y) // 2 * 2, : y.shape[1] // 2 * 2]
        small = (y[::2, ::2] + y[1::2, ::2] + y[::2, 1::2] + y[1::2, 1::2]) / 4
        parts = [ndimage.convolve(small, k, mode="constant") for k in (kernel, kernel.T)]
        return np.asarray(np.hypot(*parts))

    m, n = gradients(a), gradients(b)
    return float(np.std((2 * m * n + 170) / (m**2 + n**2 + 170)))


def test_ten_pictures_agree_to_nine_digits() -> None:
    for a, b in pairs():
        assert ms_ssim(a, b) == pytest.approx(direct_ms_ssim(a, b), abs=1e-9)
        assert gmsd(a, b) == pytest.approx(direct_gmsd(a, b), abs=1e-9)


def test_equal_pictures() -> None:
    for a, _ in pairs():
        assert ms_ssim(a, a) == pytest.approx(1, abs=1e-12)
        assert gmsd(a, a) == pytest.approx(0, abs=1e-12)


def test_constant_pictures_differ_in_luminance_alone() -> None:
    dark, light = (np.full((SIDE, SIDE, 3), v, np.float32) for v in (0.25, 0.5))
    luminance = (2 * 0.25 * 0.5 + 1e-4) / (0.25**2 + 0.5**2 + 1e-4)
    assert ms_ssim(dark, light) == pytest.approx(luminance ** structure.SCALES[-1], abs=1e-6)
    assert gmsd(dark, light) < 0.25  # only the border is an edge
    assert gmsd(light, light) == pytest.approx(0, abs=1e-12)


def test_one_channel_is_enough() -> None:
    (a, b), *_ = pairs()
    grey = ms_ssim(a[..., :1], b[..., :1])
    assert grey == pytest.approx(ms_ssim(a[..., [0, 0, 0]], b[..., [0, 0, 0]]), abs=1e-12)


def test_pictures_without_a_fifth_scale_are_refused() -> None:
    side = structure.SMALLEST
    a = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    assert 0 < ms_ssim(a, a[::-1].copy()) < 0.9
    with pytest.raises(ValueError, match="176 pixels"):
        ms_ssim(a[1:], a[1:])
