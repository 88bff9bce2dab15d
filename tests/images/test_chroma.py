"""Luma and chroma against their definitions and against Pillow's own grey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from difface_cli import images
from difface_cli.images import Photo, chroma
from difface_cli.method import guidance
from tests.images.pictures import Array

RNG = np.random.default_rng(0)


def noise(channels: int, dtype: Any = np.uint8) -> Array:
    return RNG.integers(0, np.iinfo(dtype).max, (60, 70, channels), dtype=dtype, endpoint=True)


def gray_of(pixels: Array) -> Array:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def sepia(pixels: Array) -> Array:
    tone = (gray_of(pixels)[..., None] / 255) ** np.array([0.8, 1.0, 1.3])
    return (tone * 255).round().astype(np.uint8)


def test_the_weights_are_the_operators() -> None:
    pure = images.luma(np.eye(3)[None])[0, :, 0]  # of red, green and blue
    assert tuple(pure.astype(float).round(6)) == guidance.LUMA
    assert sum(guidance.LUMA) == pytest.approx(1)


def test_desaturating_gives_pillows_grey() -> None:
    pixels = noise(3)
    gray = images.desaturated(Photo(pixels)).pixels[..., 0]
    assert np.array_equal(gray, gray_of(pixels))
    one = Photo(noise(1))
    assert images.desaturated(one) is one


def test_a_colour_that_does_not_fit_is_made_paler_in_its_own_hue() -> None:
    gray = np.array([[0.1], [0.5], [0.95], [0.0], [1.0]], np.float32)
    wish = np.array([0.5, -0.2, -0.1], np.float32)
    wish = np.tile(wish - wish @ np.array(guidance.LUMA, np.float32), (5, 1))
    out = images.recoloured(gray, wish)
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_allclose(images.luma(out), gray, atol=1e-6)
    np.testing.assert_allclose(np.cross(out - gray, wish), 0, atol=1e-6)
    np.testing.assert_allclose(out[1] - gray[1], wish[1], atol=1e-6)  # it fits at middle grey
    np.testing.assert_allclose(out[3:], [[0] * 3, [1] * 3], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_colours_leave_the_luma_as_it_was(dtype: Any) -> None:
    gray = Photo(noise(1, dtype))
    out = images.with_chroma_of(gray, noise(3, dtype)).pixels
    assert out.dtype == dtype
    weighed = out.astype(float) @ np.array(guidance.LUMA)
    assert np.abs(weighed - gray.pixels[..., 0]).max() < 0.5
    assert np.ptp(out, axis=2).max() > 50
    if dtype == np.uint8:
        assert np.array_equal(gray_of(out), gray.pixels[..., 0])


def test_three_halves_that_round_alike_do_not_reach_the_next_level() -> None:
    """Luma 71.5, so every channel of the chroma ends in a half."""
    coloured = np.full((4, 4, 3), (90, 68, 41), np.uint8)
    gray = Photo(np.full((4, 4, 1), 72, np.uint8))
    assert (gray_of(images.with_chroma_of(gray, coloured).pixels) == 72).all()


def test_grey_stays_grey_to_the_bit() -> None:
    gray = Photo(noise(1))
    same = np.repeat(gray.pixels, 3, axis=2)
    other = np.repeat(noise(1), 3, axis=2)
    assert np.array_equal(images.with_chroma_of(gray, other).pixels, same)


def test_bands_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    gray, coloured = Photo(noise(1)), noise(3)
    whole = images.with_chroma_of(gray, coloured).pixels
    monkeypatch.setattr(chroma, "BAND", 150)
    assert np.array_equal(images.with_chroma_of(gray, coloured).pixels, whole)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_sepia_and_grey_are_toned_and_photos_in_colour_are_not(name: str) -> None:
    colour = getattr(skimage.data, name)()
    assert not images.is_toned(Photo(colour))
    assert images.is_toned(Photo(sepia(colour)))
    assert images.is_toned(Photo(np.repeat(gray_of(colour)[..., None], 3, axis=2)))
    assert images.is_toned(Photo(gray_of(colour)[..., None]))
    assert images.is_toned(Photo(sepia(colour).astype(np.uint16) * 257))
