"""Round trips through every format, and what other readers make of them."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from difface_cli.base.errors import OutputError, UsageError
from difface_cli.images import Photo, encode, exif, read_bytes, rgb8

from .pictures import (
    KINDS,
    exif_block,
    fake_profile,
    noise,
    opened,
    photo_of,
    smooth,
    srgb_profile,
)

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")


def equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return (a is None and b is None) or (
        a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b)
    )


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_png_and_tiff_give_everything_back(format: str, kind: str, depth: int) -> None:
    given = photo_of(kind, depth)
    back = read_bytes(encode(given, format), "a")
    widened = format == "TIFF" and kind == "grey+alpha" and depth == 16
    truth = np.repeat(given.pixels, 3, axis=2) if widened else given.pixels
    assert equal(back.pixels, truth)
    assert equal(back.alpha, given.alpha)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_lossless_webp_gives_8_bits_back(kind: str, depth: int) -> None:
    given = photo_of(kind, depth)
    back = read_bytes(encode(given, "WEBP", quality=100), "a")
    assert np.array_equal(back.pixels, rgb8(given))
    if given.alpha is None:
        assert back.alpha is None
    else:
        assert back.alpha is not None
        assert np.array_equal(back.alpha, rgb8(Photo(given.alpha[..., None]))[..., 0])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", ["grey", "rgb"])
def test_bmp_gives_8_bits_back(kind: str, depth: int) -> None:
    given = photo_of(kind, depth)
    back = read_bytes(encode(given, "BMP"), "a")
    assert np.array_equal(back.pixels, rgb8(given)[..., : given.pixels.shape[2]])


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
@pytest.mark.parametrize("kind", ["grey+alpha", "rgb+alpha"])
def test_alpha_is_laid_on_white_where_the_format_has_none(format: str, kind: str) -> None:
    channels = 1 if kind.startswith("grey") else 3
    pixels = np.full((32, 32, channels), 40, np.uint8)
    alpha = np.repeat(np.array([0, 255], np.uint8), 16)[None].repeat(32, axis=0)
    back = read_bytes(encode(Photo(pixels, alpha), format), "a")
    assert back.alpha is None
    assert np.abs(back.pixels[:, :16].astype(int) - 255).max() <= 2
    assert np.abs(back.pixels[:, 16:].astype(int) - 40).max() <= 2
    half = Photo(pixels, np.full((32, 32), 128, np.uint8))
    expected = (40 * 128 + 255 * 127) / 255
    assert np.abs(read_bytes(encode(half, format), "a").pixels - expected).max() <= 2


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_stay_close(format: str, depth: int) -> None:
    given = Photo(smooth(depth=depth))
    error = read_bytes(encode(given, format), "a").pixels.astype(float) - rgb8(given)
    assert np.abs(error).mean() < 2
    assert np.abs(error).max() < 16


@pytest.mark.parametrize("format", FORMATS)
def test_one_channel_is_written_as_a_grey_file(format: str) -> None:
    mode = opened(encode(photo_of("grey", 8), format)).mode
    assert mode == ("RGB" if format == "WEBP" else "L")


def test_jpeg_keeps_full_chroma_and_follows_quality() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, ::2, 0] = 255  # one-pixel stripes: lost when chroma is halved
    back = read_bytes(encode(Photo(red), "JPEG"), "a").pixels.astype(int)
    assert back[:, ::2, 0].min() - back[:, 1::2, 0].max() > 200
    sizes = [len(encode(Photo(noise(64, 64, 3)), "JPEG", quality)) for quality in (1, 50, 95, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 4


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_quality_outside_its_range(quality: int) -> None:
    with pytest.raises(UsageError, match="1 to 100"):
        encode(photo_of("rgb", 8), "JPEG", quality)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_kept_byte_for_byte(format: str, kind: str, depth: int) -> None:
    grey = kind.startswith("grey") and format != "WEBP"
    profile = fake_profile(b"GRAY") if grey else srgb_profile()
    given = replace(photo_of(kind, depth), icc=profile, exif=exif_block(), dpi=(300.0, 150.0))
    back = read_bytes(encode(given, format), "a")
    assert back.icc == profile
    assert back.exif == exif_block()
    if format != "WEBP":
        assert back.dpi is not None
        assert np.allclose(back.dpi, (300, 150), atol=0.02)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", ["rgb", "rgb+alpha"])
def test_tiff_keeps_profile_resolution_and_tags(kind: str, depth: int) -> None:
    given = replace(
        photo_of(kind, depth), icc=srgb_profile(), exif=exif_block(order=">"), dpi=(300.0, 72.5)
    )
    back = read_bytes(encode(given, "TIFF"), "a")
    assert (back.icc, back.dpi) == (given.icc, given.dpi)
    assert back.exif is not None
    tags = exif.parse(back.exif)
    assert tags[ExifTags.Base.Make] == "Difface Works"
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] == b"private \x00\x01\x02"


def test_tiff_gives_exif_that_is_stable_over_generations() -> None:
    given = replace(photo_of("rgb", 8), exif=exif_block())
    first = read_bytes(encode(given, "TIFF"), "a")
    assert read_bytes(encode(first, "TIFF"), "a").exif == first.exif


@pytest.mark.filterwarnings("error")
def test_broken_exif_is_no_reason_to_fail() -> None:
    given = replace(photo_of("rgb", 8), exif=b"II*\0\x08\0\0\0\xff\xff broken")
    for format in FORMATS:
        assert read_bytes(encode(given, format), "a").width == given.width


def test_exif_too_long_for_jpeg_is_left_out_there_only() -> None:
    given = replace(photo_of("rgb", 8), exif=exif_block() + bytes(70_000))
    assert read_bytes(encode(given, "JPEG"), "a").exif is None
    assert read_bytes(encode(given, "PNG"), "a").exif == given.exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(("kind", "space"), [("grey", b"RGB "), ("rgb", b"GRAY"), ("rgb", b"CMYK")])
def test_profile_of_another_colour_space_is_left_out(format: str, kind: str, space: bytes) -> None:
    given = replace(photo_of(kind, 8), icc=fake_profile(space))
    assert read_bytes(encode(given, format), "a").icc is None


@pytest.mark.parametrize("kind", KINDS)
def test_other_readers_agree_on_16_bits(kind: str) -> None:
    # Several strips and blocks, the last one shorter.
    given = replace(photo_of(kind, 16, height=701, width=509), icc=srgb_profile())
    parts = [given.pixels] + ([] if given.alpha is None else [given.alpha[..., None]])
    samples = np.concatenate(parts, axis=2)
    four = samples[..., [0, 0, 0, 1]] if kind == "grey+alpha" else samples
    for format in ("PNG", "TIFF"):
        data = np.frombuffer(encode(given, format), np.uint8)
        seen = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        assert seen is not None
        bgr = seen.reshape(701, 509, -1)
        channels = [0] if bgr.shape[2] == 1 else [2, 1, 0, 3][: bgr.shape[2]]
        assert np.array_equal(bgr[..., channels], four)
    seen = tifffile.imread(io.BytesIO(encode(given, "TIFF")))
    assert np.array_equal(seen.reshape(701, 509, -1), four)


def test_chunks_of_16_bit_png_are_valid() -> None:
    given = replace(photo_of("rgb", 16), icc=srgb_profile(), exif=exif_block(), dpi=(72.0, 72.0))
    Image.open(io.BytesIO(encode(given, "PNG"))).verify()


def test_format_that_is_only_read() -> None:
    with pytest.raises(OutputError, match="GIF"):
        encode(photo_of("rgb", 8), "GIF")


@pytest.mark.parametrize(("format", "side"), [("JPEG", 65_501), ("WEBP", 16_384)])
def test_side_longer_than_the_format_allows(format: str, side: int) -> None:
    with pytest.raises(OutputError, match=str(side)):
        encode(Photo(np.zeros((1, side, 1), np.uint8)), format)
    encode(Photo(np.zeros((1, side - 1, 1), np.uint8)), format)
