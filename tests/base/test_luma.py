"""Luma, and a picture without its colour."""

from __future__ import annotations

import numpy as np

from difface_cli.base.luma import LUMA, luma, without_colour


def test_luma_weighs_the_channels_and_keeps_their_axis() -> None:
    pure = np.eye(3)[None] * 200  # of red, green and blue
    np.testing.assert_allclose(luma(pure)[0, :, 0], np.multiply(LUMA, 200), rtol=1e-6)
    assert luma(pure.astype(np.uint8)).shape == (1, 3, 1)


def test_a_picture_without_its_colour_keeps_its_luma() -> None:
    picture = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32)
    grey = without_colour(picture)
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 0], grey[..., 2])
    np.testing.assert_allclose(luma(grey), luma(picture), atol=1e-6)
