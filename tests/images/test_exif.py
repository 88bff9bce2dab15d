"""EXIF: turning, resetting in place, carrying over."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from difface_cli.images import exif

from .pictures import exif_block, noise, opened, saved

MARKED = 0x0112


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_agrees_with_pillow(orientation: int) -> None:
    pixels = noise(5, 8, 3)
    image = opened(saved(Image.fromarray(pixels), "PNG", exif=exif_block(orientation)))
    truth = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(exif.upright(pixels, orientation), truth)


@pytest.mark.parametrize("orientation", [0, 9, -3, 65535])
def test_unknown_orientation_turns_nothing(orientation: int) -> None:
    pixels = noise(5, 8, 3)
    assert np.array_equal(exif.upright(pixels, orientation), pixels)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_reset_changes_only_the_orientation(orientation: int, order: str) -> None:
    before, truth = exif_block(orientation, order), exif_block(1, order)
    after = exif.reset_orientation(before)
    assert after == truth != before
    assert exif.parse(after)[ExifTags.Base.Make] == "Difface Works"


@pytest.mark.parametrize(("kind", "form"), [(1, "B"), (3, "H"), (4, "I")])
def test_reset_reaches_every_integer_type(kind: int, form: str) -> None:
    def block(value: int) -> bytes:
        number = struct.pack(f">{form}", value).ljust(4, b"\0")
        return b"MM\0*" + struct.pack(">IHHHI", 8, 1, MARKED, kind, 1) + number + bytes(4)

    assert exif.reset_orientation(block(6)) == block(1)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.binary(max_size=80), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_reset_and_parse_survive_anything(tail: bytes, head: bytes) -> None:
    after = exif.reset_orientation(head + tail)
    assert len(after) == len(head + tail)
    assert exif.reset_orientation(after) == after
    exif.parse(after)


def test_describing_leaves_the_layout_behind() -> None:
    whole = exif.parse(exif_block())
    whole[256], whole[273] = 640, 8
    kept = exif.describing(whole)
    assert kept[ExifTags.Base.Make] == "Difface Works"
    assert kept[ExifTags.IFD.Exif][ExifTags.Base.LensModel] == "50 mm"
    assert not {256, 273, MARKED} & set(kept)
