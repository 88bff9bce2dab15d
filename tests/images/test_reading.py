"""Files against the photos `read` makes of them: pixels, rotation, metadata, paths."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, ImageOps

from difface_cli.images import exif, is_gray, peek, read, read_bytes, read_stdin

from .pictures import SHAPES, chunk, exif_block, noise, png, saved, smooth, srgb_profile, tiff


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_give_what_pillow_gives(format: str) -> None:
    data = saved(Image.fromarray(smooth()), format, quality=80)
    photo = read_bytes(data, "a")
    assert np.array_equal(photo.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert photo.format == format


def test_grey_jpeg_has_one_channel() -> None:
    photo = read_bytes(saved(Image.fromarray(smooth()[..., 0]), "JPEG"), "a")
    assert photo.is_gray_file
    assert is_gray(photo)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_is_applied_once(format: str, orientation: int, tmp_path: Path) -> None:
    block = b"Exif\0\0" + exif_block(orientation)
    data = saved(Image.fromarray(smooth()), format, exif=block, dpi=(100, 200))
    path = tmp_path / "turned"
    path.write_bytes(data)
    photo = read(path)
    truth = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(photo.pixels, np.asarray(truth))
    assert (photo.width, photo.height) == ((64, 48) if orientation < 5 else (48, 64))
    assert peek(path) == (photo.width, photo.height, format)
    assert photo.exif is not None
    assert exif.parse(photo.exif).get(ExifTags.Base.Orientation, 1) == 1
    if photo.dpi:  # WebP has none of its own
        assert np.allclose(photo.dpi, (100, 200) if orientation < 5 else (200, 100), atol=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", SHAPES)
def test_rotation_of_16_bits(channels: int, orientation: int) -> None:
    samples = noise(*SHAPES[channels], depth=16)
    truth = exif.upright(samples.reshape(20, 30, channels), orientation)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tag = (int(ExifTags.Base.Orientation), 3, 1, orientation, True)
    in_png = png(samples.reshape(20, 30, channels), chunk(b"eXIf", exif_block(orientation)))
    for data in (tiff(samples, extratags=[tag], **extra), in_png):
        photo = read_bytes(data, "a")
        assert np.array_equal(photo.pixels, truth[..., :3])
        assert photo.alpha is None or np.array_equal(photo.alpha, truth[..., 3])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_and_profile_are_kept_byte_for_byte(format: str) -> None:
    profile = srgb_profile()
    data = saved(
        Image.fromarray(smooth()), format, exif=b"Exif\0\0" + exif_block(6), icc_profile=profile
    )
    photo = read_bytes(data, "a")
    assert photo.exif == exif_block(1)
    assert photo.icc == profile


def test_tiff_tags_that_describe_become_exif() -> None:
    profile = srgb_profile()
    data = saved(Image.fromarray(smooth()), "TIFF", exif=exif_block(6), icc_profile=profile)
    photo = read_bytes(data, "a")
    assert photo.icc == profile
    assert photo.exif is not None
    tags = exif.parse(photo.exif)
    assert tags[ExifTags.Base.Make] == "Difface Works"
    lens = tags.get_ifd(ExifTags.IFD.Exif)
    assert lens[ExifTags.Base.LensModel] == "50 mm"
    assert lens[ExifTags.Base.MakerNote] == b"private \x00\x01\x02"


@pytest.mark.parametrize("block", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"\0" * 40])
def test_broken_exif_does_not_cost_the_picture(block: bytes) -> None:
    pixels = noise(20, 30, 3)
    assert np.array_equal(read_bytes(png(pixels, chunk(b"eXIf", block)), "a").pixels, pixels)


def test_second_picture_of_an_mpo_is_left_out() -> None:
    first, second = Image.fromarray(smooth()), Image.fromarray(smooth()[::-1])
    data = saved(first, "MPO", save_all=True, append_images=[second], quality=95)
    photo = read_bytes(data, "a")
    assert photo.format == "JPEG"
    assert np.abs(photo.pixels.astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("name", ["ein Foto.png", "фото 写真 é.png", "no suffix", "wrong.jpg"])
def test_any_path_can_be_read(name: str, tmp_path: Path) -> None:
    pixels = noise(20, 30, 3, depth=16)
    path = tmp_path / "a folder ü" / name
    path.parent.mkdir()
    path.write_bytes(png(pixels))
    assert np.array_equal(read(path).pixels, pixels)
    assert np.array_equal(read(str(path)).pixels, pixels)
    assert peek(path) == (30, 20, "PNG")
    with path.open("rb") as file:
        assert np.array_equal(read(file).pixels, pixels)


def test_peek_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str | None] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.format))
    path = tmp_path / "photo"
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "BMP"):
        path.write_bytes(saved(Image.fromarray(smooth()), format))
        decoded.clear()
        assert peek(path) == (64, 48, format)
        assert not decoded


def test_a_stream_that_cannot_seek_is_read() -> None:
    pixels = noise(20, 30, 3)
    out, into = os.pipe()
    with os.fdopen(out, "rb") as source:
        with os.fdopen(into, "wb") as sink:
            sink.write(png(pixels))
        assert np.array_equal(read(source, name="-").pixels, pixels)


def test_stdin_is_read_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = png(noise(20, 30, 3))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_stdin() == data
