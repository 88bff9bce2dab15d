"""The difference of two pictures is the one that was put in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from difface_cli.images import Photo
from difface_cli.metrics.difference import BAND, Difference, difference


def photo(dtype: type = np.uint8, height: int = BAND + 4) -> Photo:
    grey = np.random.default_rng(0).integers(0, 200, (height, 10, 3))
    return Photo((grey * (np.iinfo(dtype).max // 255)).astype(dtype))


def changed(before: Photo, by: int) -> Photo:
    """The last row is brighter: it lies in another band than the first."""
    pixels = before.pixels.copy()
    pixels[-1] += by
    return Photo(pixels)


def test_equal_pictures_do_not_differ() -> None:
    assert difference(photo(), photo()) == Difference(0.0, 0.0, math.inf)


@pytest.mark.parametrize(("dtype", "by"), [(np.uint8, 10), (np.uint16, 10 * 257)])
def test_a_brighter_row_is_measured_in_levels_of_255(dtype: type, by: int) -> None:
    before = photo(dtype)
    off = difference(before, changed(before, by))
    assert off.largest == pytest.approx(10)
    assert off.mean == pytest.approx(10 / len(before.pixels))
    assert off.psnr == pytest.approx(10 * math.log10(255**2 * len(before.pixels) / 100))


def test_alpha_counts_and_other_sizes_are_refused() -> None:
    clear = Photo(photo().pixels, np.full(photo().pixels.shape[:2], 255, np.uint8))
    dim = Photo(photo().pixels, np.full(photo().pixels.shape[:2], 247, np.uint8))
    assert difference(clear, dim) == Difference(
        8.0, 2.0, pytest.approx(10 * math.log10(65025 / 16))
    )
    for other in (clear, photo(height=20)):
        with pytest.raises(ValueError, match="cannot be compared"):
            difference(photo(), other)
