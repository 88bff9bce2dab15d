"""Fine detail is told from coarse, and counted where the face shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from difface_cli.metrics.sharpness import sharpness

SIZE = 200
EVERYWHERE = np.ones((SIZE, SIZE), np.float32)


def waves(period: float, height: float = 0.2) -> np.ndarray:  # type: ignore[type-arg]
    row = 0.5 + height * np.sin(2 * np.pi * np.arange(SIZE) / period)
    return np.broadcast_to(row[None, :, None], (SIZE, SIZE, 3)).astype(np.float32)


def test_a_flat_face_has_none() -> None:
    assert sharpness(np.full((64, 64, 3), 0.3, np.float32), np.ones((64, 64))) < 1e-3


def test_it_is_the_root_mean_square_of_fine_waves() -> None:
    # A wave much finer than the blur is left whole: height/√2 of white.
    assert sharpness(waves(4), EVERYWHERE) == pytest.approx(255 * 0.2 / 2**0.5, rel=0.02)


def test_coarse_waves_count_little() -> None:
    # Gaussian of σ = 2 pixels: passes exp(-2(πσ/p)²) of a wave with period p.
    passed = np.exp(-2 * (np.pi * 2 / 50) ** 2)
    expected = 255 * 0.2 / 2**0.5 * (1 - passed)
    inside = np.zeros_like(EVERYWHERE)  # a mirrored wave has an edge where the picture ends
    inside[:, 25:-25] = 1
    assert sharpness(waves(50), inside) == pytest.approx(expected, rel=0.05)


def test_blurring_lowers_it() -> None:
    noise = np.random.default_rng(0).random((SIZE, SIZE, 3), dtype=np.float32)
    before = sharpness(noise, EVERYWHERE)
    assert sharpness(cv2.GaussianBlur(noise, (0, 0), 3), EVERYWHERE) < 0.2 * before


def test_only_weighted_pixels_count() -> None:
    half = waves(4)
    half[:, SIZE // 2 :] = 0.5
    weight = EVERYWHERE.copy()
    weight[:, : SIZE // 2 + 20] = 0
    assert sharpness(half, weight) < 1e-3
