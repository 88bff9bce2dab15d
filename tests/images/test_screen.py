"""Any photo as 8-bit sRGB."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageCms

from difface_cli.images import Photo, on_screen
from tests.images.pictures import srgb_profile

SRGB = srgb_profile()
SWAPPED = SRGB.replace(b"rXYZ", b"tmp.").replace(b"bXYZ", b"rXYZ").replace(b"tmp.", b"bXYZ")
"""A space whose red is sRGB's blue."""
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def gradient(dtype: type[np.uint8 | np.uint16] = np.uint8) -> Photo:
    pixels = np.linspace(0, np.iinfo(dtype).max, 40 * 60 * 3).reshape(40, 60, 3)
    return Photo(pixels.astype(dtype))


def test_eight_bits_of_srgb_are_themselves() -> None:
    photo = gradient()
    assert (on_screen(photo) == photo.pixels).all()
    same = on_screen(replace(photo, icc=SRGB)).astype(int)
    assert np.abs(same - photo.pixels).max() <= 1


def test_sixteen_bits_and_grey() -> None:
    deep = gradient(np.uint16)
    assert np.abs(on_screen(deep) - deep.pixels / 257).max() <= 0.5
    grey = Photo(deep.pixels[..., :1])
    shown = on_screen(grey)
    assert shown.shape == (40, 60, 3)
    assert (shown[..., 0] == shown[..., 2]).all()


def test_transparent_pixels_are_paper() -> None:
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:20] = 255
    photo = replace(gradient(), alpha=alpha)
    shown = on_screen(photo)
    assert (shown[:20] == photo.pixels[:20]).all()
    assert (shown[20:] == 255).all()


def test_smaller_but_never_larger() -> None:
    assert on_screen(gradient(), longest=30).shape == (20, 30, 3)
    assert on_screen(gradient(), longest=100).shape == (40, 60, 3)


def test_other_colour_spaces_are_converted_and_unfit_profiles_ignored() -> None:
    red = Photo(np.full((4, 4, 3), (200, 40, 40), np.uint8))
    shown = on_screen(replace(red, icc=SWAPPED)).astype(int)
    assert shown[0, 0] == pytest.approx((40, 40, 200), abs=3)
    for icc in (b"not a profile", LAB):
        assert (on_screen(replace(red, icc=icc)) == red.pixels).all()
