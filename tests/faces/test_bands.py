"""Bands add up to the picture, and their noise is told from what is no noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from difface_cli.faces import bands

Floats = npt.NDArray[np.float32]


def white(level: float, side: int = 300, seed: int = 0) -> Floats:
    noise = np.random.default_rng(seed).standard_normal((side, side), dtype=np.float32)
    return noise * np.float32(level)


def deviations(luma: Floats) -> list[float]:
    return [float(band.std()) for band in bands.split(luma)[0]]


def test_the_bands_and_the_rest_are_the_picture() -> None:
    picture = skimage.data.camera()[:100, :120].astype(np.float32)
    parts, rest = bands.split(picture)
    np.testing.assert_allclose(sum(parts) + rest, picture, atol=1e-3)
    assert len(parts) == bands.BANDS


def test_a_band_depends_on_its_surroundings_only() -> None:
    noise = white(1)
    whole = bands.split(noise)[0]
    cut = slice(100, 160)
    near = slice(cut.start - bands.REACH, cut.stop + bands.REACH)
    for a, b in zip(whole, bands.split(noise[near, near])[0], strict=True):
        inner = slice(bands.REACH, -bands.REACH)
        np.testing.assert_allclose(a[cut, cut], b[inner, inner], atol=1e-5)


@pytest.mark.parametrize("blur", [0, 1.2])
def test_noise_alone_is_measured_whether_fine_or_coarse(blur: float) -> None:
    noise = white(5)
    noise = cv2.GaussianBlur(noise, (0, 0), blur) if blur else noise
    told, true = bands.noise_levels(noise), deviations(noise)
    # Fine bands of blurred noise hold little, and are told too low rather than too high.
    for band in range(1 if blur else 0, bands.BANDS):
        assert told[band] == pytest.approx(true[band], rel=0.12)


def test_edges_and_stripes_are_no_noise() -> None:
    stripes = np.tile(40 * np.sin(np.arange(300, dtype=np.float32)), (300, 1))
    assert max(bands.noise_levels(stripes)) < 0.01
    steps = np.kron(np.indices((6, 6)).sum(axis=0) % 2, np.ones((50, 50))).astype(np.float32)
    assert max(bands.noise_levels(100 * steps)) < 0.01


def test_noise_on_a_picture_is_found_under_it() -> None:
    picture = skimage.data.camera().astype(np.float32)
    quiet = bands.noise_levels(picture)
    noisy = bands.noise_levels(picture + white(8, side=512))
    expected = deviations(white(8, side=512))
    assert noisy[0] == pytest.approx(np.hypot(quiet[0], expected[0]), rel=0.25)
    assert noisy[1] > 2 * quiet[1]


def test_only_the_pixels_asked_for_count() -> None:
    picture = np.zeros((200, 200), np.float32)
    picture[:, 100:] = white(5, side=200)[:, 100:]
    left = np.zeros(picture.shape, bool)
    left[:, :90] = True
    assert max(bands.noise_levels(picture, left)) == 0
    right = np.zeros(picture.shape, bool)
    right[:, 110:] = True
    assert bands.noise_levels(picture, right)[0] > 3
    assert bands.noise_levels(picture, np.zeros_like(left)) == (0.0,) * bands.BANDS
