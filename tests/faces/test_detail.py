"""Detail that is real and lacking is put back; noise and what is there already are not."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from difface_cli.faces import bands, detail

Floats = npt.NDArray[np.float32]
SIDE = 160
FLAT = np.full((SIDE, SIDE), 128, np.float32)


def noise(level: float) -> Floats:
    drawn = np.random.default_rng(1).standard_normal((SIDE, SIDE), dtype=np.float32)
    return drawn * np.float32(level)


def stripes(period: float) -> Floats:
    wave = 20 * np.sin(2 * np.pi * np.arange(SIDE) / period)
    return np.tile(wave.astype(np.float32), (SIDE, 1))


def kept(restored: Floats, original: Floats) -> Floats:
    return detail.keep(restored, original, bands.noise_levels(original))


def share(found: Floats, pattern: Floats) -> float:
    """How much of a pattern is in a picture: 0 for none, 1 for all."""
    return float((found * pattern).sum() / (pattern * pattern).sum())


@pytest.mark.parametrize("period", [2.5, 4, 6])
def test_a_fine_pattern_that_the_face_lacks_is_put_back(period: float) -> None:
    pattern = stripes(period)
    assert share(kept(FLAT, FLAT + pattern) - FLAT, pattern) > 0.95
    assert share(kept(FLAT, FLAT + pattern + noise(5)) - FLAT, pattern) > 0.6


@pytest.mark.parametrize("level", [2, 15])
def test_noise_is_no_detail(level: float) -> None:
    assert (kept(FLAT, FLAT + noise(level)) - FLAT).std() < 0.02 * level
    coarse = cv2.GaussianBlur(noise(level), (0, 0), 1.2)
    assert (kept(FLAT, FLAT + coarse) - FLAT).std() < 0.15 * coarse.std()


def test_a_face_that_has_as_much_detail_is_left_alone() -> None:
    picture = skimage.data.camera()[100:260, 150:310].astype(np.float32)
    np.testing.assert_allclose(kept(picture, picture), picture, atol=0.5)
    blurred = cv2.GaussianBlur(picture, (0, 0), 2)
    np.testing.assert_allclose(kept(picture, blurred), picture, atol=0.5)


def test_a_face_drawn_too_soft_gets_the_photos_detail_and_comes_nearer_to_it() -> None:
    picture = skimage.data.camera()[100:260, 150:310].astype(np.float32)
    soft = cv2.GaussianBlur(picture, (0, 0), 2)
    before, after = np.abs(soft - picture).mean(), np.abs(kept(soft, picture) - picture).mean()
    assert after < 0.5 * before
    noisy = np.abs(kept(soft, picture + noise(6)) - picture).mean()
    assert noisy < 0.8 * before


def test_it_does_not_depend_on_where_the_picture_was_cut() -> None:
    original = FLAT + stripes(4) + noise(3)
    levels = bands.noise_levels(original)
    whole = detail.keep(FLAT, original, levels)
    rows = slice(60 - detail.REACH, 90 + detail.REACH)
    part = detail.keep(FLAT[rows], original[rows], levels)
    np.testing.assert_allclose(part[detail.REACH : -detail.REACH], whole[60:90], atol=1e-3)
