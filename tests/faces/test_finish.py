"""Detail and grain reach the photo through pasting, whatever its size, depth and bands."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from difface_cli.faces import bands, blend, paste
from difface_cli.faces.finish import Finish
from difface_cli.faces.resample import Array
from tests.faces.pictures import centred

SIZE = 64
SIDE = 400
FLAT = np.full((SIZE, SIZE, 3), 0.5, np.float32)
TO_FACE = centred(SIZE / 300, 0, (200, 200), SIZE)  # a face of 300 pixels
MIDDLE = slice(170, 250)


def photo(fine: Array, dtype: type = np.uint8, channels: int = 3) -> Array:
    """Middle grey with something fine on it, in levels of 255."""
    levels = np.clip(127.5 + fine, 0, 255)[..., None].repeat(channels, axis=2)
    return np.rint(levels * (np.iinfo(dtype).max / 255)).astype(dtype)


def pasted(before: Array, finish: Finish | None) -> Array:
    """The luma of a flat face pasted into a photo, about its middle grey, in levels of 255."""
    canvas = before.copy()
    paste.paste(canvas, FLAT, TO_FACE, finish=finish)
    shown: Array = canvas.mean(axis=2) * (255 / np.iinfo(before.dtype).max) - 127.5
    return shown


def stripes() -> Array:
    return np.tile(20 * np.sin(np.arange(SIDE)), (SIDE, 1))


def noise(blur: float = 0.0) -> Array:
    drawn = np.random.default_rng(0).standard_normal((SIDE, SIDE)) * 8
    return cv2.GaussianBlur(drawn, (0, 0), blur) if blur else drawn


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_pattern_finer_than_the_face_is_kept_only_when_asked(dtype: type, channels: int) -> None:
    before = photo(stripes(), dtype, channels)
    assert pasted(before, None)[MIDDLE, MIDDLE].std() < 1
    assert pasted(before, Finish(keep_detail=True))[MIDDLE, MIDDLE].std() > 0.9 * 20 / np.sqrt(2)


def test_noise_is_not_kept_as_detail() -> None:
    assert pasted(photo(noise()), Finish(keep_detail=True))[MIDDLE, MIDDLE].std() < 0.6


@pytest.mark.parametrize("blur", [0.0, 0.8])
def test_grain_has_the_photos_level_and_fineness(blur: float) -> None:
    before = photo(noise(blur))
    after = pasted(before, Finish(grain=3))[MIDDLE, MIDDLE].astype(np.float32)
    there = (before.mean(axis=2) - 127.5)[MIDDLE, MIDDLE].astype(np.float32)
    for one, other in zip(bands.split(after)[0], bands.split(there)[0], strict=True):
        assert one.std() == pytest.approx(other.std(), rel=0.2)
    assert abs(np.corrcoef(after.ravel(), there.ravel())[0, 1]) < 0.1


def test_grain_is_none_in_a_clean_photo_and_follows_from_its_seed() -> None:
    assert pasted(photo(np.zeros((SIDE, SIDE))), Finish(grain=3))[MIDDLE, MIDDLE].std() < 0.5
    before = photo(noise())
    one, again, other = (pasted(before, Finish(grain=seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.allclose(one[MIDDLE, MIDDLE], other[MIDDLE, MIDDLE])


def test_a_face_worked_on_in_bands_is_the_face_worked_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, finish = photo(stripes() + noise()), Finish(keep_detail=True, grain=1)
    whole = pasted(before, finish)
    monkeypatch.setattr(blend, "BAND", 4000)
    np.testing.assert_allclose(pasted(before, finish), whole, atol=1.01)


def test_pixels_outside_the_face_stay() -> None:
    before = photo(noise())
    canvas = before.copy()
    paste.paste(canvas, FLAT, TO_FACE, finish=Finish(keep_detail=True, grain=1))
    assert np.array_equal(canvas[:, :30], before[:, :30])
    assert np.array_equal(canvas[:40], before[:40])


def test_a_face_at_the_photos_corner_is_finished_too() -> None:
    before = photo(noise())
    for corner in ((0, 0), (399, 10), (395, 399)):
        canvas = before.copy()
        to_face = centred(SIZE / 300, 0, corner, SIZE)
        paste.paste(canvas, FLAT, to_face, finish=Finish(keep_detail=True, grain=1))
        assert (canvas != before).any()
