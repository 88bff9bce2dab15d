"""Modes and depths of files against the arrays that `decode` makes of them."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from difface_cli.images import decode, read_bytes

from .pictures import (
    SHAPES,
    chunk,
    fake_profile,
    ink_profile,
    noise,
    png,
    saved,
    smooth,
    srgb_profile,
    tiff,
)


@pytest.mark.parametrize(
    ("format", "mode"),
    [("PNG", "LA"), ("TIFF", "LA"), ("PNG", "RGBA"), ("TIFF", "RGBA"), ("WEBP", "RGBA")],
)
def test_alpha_is_kept(format: str, mode: str) -> None:
    both = noise(20, 30, len(mode))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    photo = read_bytes(saved(Image.fromarray(both, mode), format, **options), "a")
    assert np.array_equal(photo.pixels, both[..., :-1])
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, both[..., -1])


def test_palette_becomes_rgb_and_its_transparency_alpha() -> None:
    image = Image.fromarray(noise(20, 30) % 4, "P")
    colours = noise(4, 3, seed=3)
    image.putpalette(colours.tobytes())
    indices = np.asarray(image)
    opaque = read_bytes(saved(image, "PNG"), "a")
    assert np.array_equal(opaque.pixels, colours[indices])
    assert opaque.alpha is None
    for key, hidden in ((2, [255, 255, 0, 255]), (b"\x00\x50\xff\x80", [0, 80, 255, 128])):
        clear = read_bytes(saved(image, "PNG", transparency=key), "a")
        assert np.array_equal(clear.pixels, colours[indices])
        assert clear.alpha is not None
        assert np.array_equal(clear.alpha, np.array(hidden)[indices])


def test_one_bit_becomes_black_and_white() -> None:
    bits = noise(20, 30) > 127
    for format in ("PNG", "TIFF", "BMP"):
        photo = read_bytes(saved(Image.fromarray(bits), format), "a")
        assert np.array_equal(photo.pixels[..., 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_key_becomes_alpha_at_both_depths(channels: int) -> None:
    for depth in (8, 16):
        samples = noise(20, 30, channels, depth=depth)
        key = chunk(b"tRNS", struct.pack(f">{channels}H", *samples[3, 4].tolist()))
        photo = read_bytes(png(samples, key), "a")
        assert np.array_equal(photo.pixels, samples)
        assert photo.alpha is not None
        hidden = (samples == samples[3, 4]).all(axis=2)
        assert np.array_equal(photo.alpha, np.where(hidden, 0, 2**depth - 1))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_every_bit(channels: int) -> None:
    samples = noise(20, 30, channels, depth=16)
    photo = read_bytes(png(samples), "a")
    colours = channels - (channels in (2, 4))
    assert photo.depth == 16
    assert np.array_equal(photo.pixels, samples[..., :colours])
    assert (photo.alpha is None) == (channels in (1, 3))
    assert photo.alpha is None or np.array_equal(photo.alpha, samples[..., -1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"compression": "deflate"}])
@pytest.mark.parametrize("channels", SHAPES)
def test_16_bit_tiff_keeps_every_bit(channels: int, options: dict[str, Any], order: str) -> None:
    samples = noise(*SHAPES[channels], depth=16)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    photo = read_bytes(tiff(samples, byteorder=order, **options, **extra), "a")
    assert photo.depth == 16
    assert np.array_equal(photo.pixels, samples.reshape(20, 30, channels)[..., :3])
    assert photo.alpha is None or np.array_equal(photo.alpha, samples[..., 3])
    assert (photo.alpha is None) == (channels != 4)


def test_16_bit_tiff_of_rarer_kinds() -> None:
    grey, four = noise(20, 30, depth=16), noise(20, 30, 4, depth=16)
    white_is_zero = read_bytes(tiff(grey, photometric="miniswhite"), "a")
    assert np.array_equal(white_is_zero.pixels[..., 0], 65535 - grey)
    no_meaning = read_bytes(tiff(four, extrasamples=["unspecified"]), "a")
    assert np.array_equal(no_meaning.pixels, four[..., :3])
    assert no_meaning.alpha is None


def test_multiplied_alpha_is_divided_out() -> None:
    truth = noise(20, 30, 3, depth=16)
    alpha = np.maximum(noise(20, 30, depth=16, seed=2), 1000)
    product = np.rint(truth * (alpha[..., None] / 65535)).astype(np.uint16)
    four = np.concatenate([product, alpha[..., None]], axis=2)
    photo = read_bytes(tiff(four, extrasamples=["assocalpha"]), "a")
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, alpha)
    error = np.abs(photo.pixels.astype(int) - truth)
    assert (error <= np.ceil(0.5 * 65535 / alpha)[..., None]).all()


@pytest.mark.parametrize("bits", ["int32", "uint16", "int16"])
def test_integer_grey_within_16_bits_is_read(bits: str) -> None:
    values = (noise(20, 30, depth=16) // 2).astype(bits)
    photo = read_bytes(tiff(values), "a")
    assert photo.depth == 16
    assert np.array_equal(photo.pixels[..., 0], values)


def test_16_bit_pgm_is_read() -> None:
    values = noise(20, 30, depth=16)
    data = b"P5 30 20 65535\n" + values.astype(">u2").tobytes()
    assert np.array_equal(read_bytes(data, "a").pixels[..., 0], values)


def test_first_frame_of_a_gif_is_read() -> None:
    frames = [Image.fromarray(np.full((20, 30), level, np.uint8)) for level in (10, 200)]
    photo = read_bytes(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), "a")
    assert (photo.pixels == 10).all()


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_without_profile_becomes_rgb(format: str) -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    data = saved(image, format)
    photo = read_bytes(data, "a")
    assert np.array_equal(photo.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile_and_loses_it(format: str) -> None:
    inks = np.zeros((32, 48, 4), np.uint8)
    inks[:, :16] = (200, 40, 90, 0)
    inks[:, 16:32] = (0, 0, 0, 255)
    inks[:, 32:] = (90, 200, 10, 128)
    data = saved(Image.fromarray(inks, "CMYK"), format, icc_profile=ink_profile())
    photo = read_bytes(data, "a")
    assert photo.icc is None
    # L* = 100 (1 - 128/255) is 0.1815 of white's light, 118 in sRGB.
    for left, level in ((0, 255), (16, 0), (32, 118)):
        block = photo.pixels[8:24, left + 5 : left + 11].astype(int)
        assert np.abs(block - level).max() <= 3


@pytest.mark.parametrize("profile", [b"broken", fake_profile(b"CMYK"), srgb_profile()])
def test_cmyk_with_an_unfit_profile_is_still_read(profile: bytes) -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    photo = read_bytes(saved(image, "TIFF", icc_profile=profile), "a")
    assert np.array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.icc is None


def test_ycbcr_tiff_becomes_rgb() -> None:
    image = Image.fromarray(smooth()).convert("YCbCr")
    photo = read_bytes(saved(image, "TIFF", compression="jpeg"), "a")
    assert np.abs(photo.pixels.astype(int) - smooth()).mean() < 3


def test_opencv_decoder_is_left_as_loud_as_it_was() -> None:
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        assert decode._opencv(b"nothing") is None
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_ERROR
    finally:
        cv2.utils.logging.setLogLevel(before)
