"""The record, its depth and colour arithmetic, and enlarging."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from difface_cli.base.errors import UsageError
from difface_cli.images import Photo, is_gray, photo, read_bytes, rgb8, upscale, with_pixels

from .pictures import KINDS, noise, photo_of, saved, smooth


def test_import_loads_neither_torch_nor_cv2() -> None:
    code = "import sys, difface_cli.images; print({'torch', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_record_describes_its_arrays() -> None:
    wide = photo_of("rgb", 16, height=20, width=30)
    assert (wide.width, wide.height, wide.depth, wide.is_gray_file) == (30, 20, 16, False)
    assert photo_of("grey", 8).is_gray_file
    assert photo_of("grey", 8).depth == 8


@pytest.mark.parametrize(
    ("pixels", "alpha"),
    [
        (noise(20, 20), None),
        (noise(20, 20, 4), None),
        (noise(20, 20, 3).astype(np.float32), None),
        (noise(20, 20, 3), noise(20, 21)),
        (noise(20, 20, 3), noise(20, 20, depth=16)),
    ],
)
def test_record_refuses_other_arrays(pixels: np.ndarray, alpha: np.ndarray | None) -> None:
    with pytest.raises(ValueError):
        Photo(pixels, alpha)


def test_rgb8_rounds_all_16_bit_values_to_the_nearest() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    truth = np.rint(values.astype(np.float64) * 255 / 65535)
    assert np.array_equal(rgb8(Photo(values)), np.repeat(truth, 3, axis=2))


def test_rgb8_of_8_bit_colour_is_the_pixels() -> None:
    given = photo_of("rgb", 8)
    assert np.array_equal(rgb8(given), given.pixels)


def test_with_pixels_keeps_replaces_or_drops_alpha() -> None:
    given = photo_of("rgb+alpha", 8)
    other = noise(21, 37, 3, seed=5)
    assert with_pixels(given, other).alpha is given.alpha
    assert with_pixels(given, other, None).alpha is None
    assert with_pixels(given, other, other[..., 0]).alpha is not given.alpha
    with pytest.raises(ValueError):
        with_pixels(given, noise(22, 37, 3))


def _tinted(strength: float) -> np.ndarray:
    """A grey picture whose red is raised and blue lowered by `strength` levels."""
    grey = smooth(96, 128)[..., :1].astype(float) * 0.6 + 40
    return np.rint(grey + np.array([1, 0.2, -1]) * strength).astype(np.uint8)


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_grey_scan_saved_as_colour_jpeg_is_grey(quality: int, subsampling: str) -> None:
    scan = np.clip(_tinted(1).astype(int) + noise(96, 128, 3) % 7 - 3, 0, 255).astype(np.uint8)
    data = saved(Image.fromarray(scan), "JPEG", quality=quality, subsampling=subsampling)
    assert is_gray(read_bytes(data, "scan.jpg"))


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("strength", [8, 25])
def test_toned_photo_is_not_grey(quality: int, strength: float) -> None:
    data = saved(Image.fromarray(_tinted(strength)), "JPEG", quality=quality)
    assert not is_gray(read_bytes(data, "sepia.jpg"))


def test_one_coloured_face_makes_a_photo_colour_and_one_speck_does_not() -> None:
    pixels = np.repeat(noise(1024, 1024, 1), 3, axis=2)
    pixels[100:106, 200:206] = (255, 0, 0)
    assert is_gray(Photo(pixels))
    pixels[512:576, 512:576] = (220, 170, 150)
    assert not is_gray(Photo(pixels))
    assert not is_gray(Photo(pixels.astype(np.uint16) * 257))


def test_one_channel_is_grey_at_any_depth() -> None:
    assert is_gray(photo_of("grey", 8))
    assert is_gray(photo_of("grey", 16))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_upscale_keeps_constants_and_kind(kind: str, depth: int) -> None:
    given = photo_of(kind, depth)
    given.pixels[:] = 2**depth - 3
    if given.alpha is not None:
        given.alpha[:] = 5
    large = upscale(given, 2)
    assert large.pixels.shape == (42, 74, given.pixels.shape[2])
    assert large.pixels.dtype == given.pixels.dtype
    assert (large.pixels == 2**depth - 3).all()
    assert (large.alpha is None) == (given.alpha is None)
    assert large.alpha is None or (large.alpha == 5).all()


def test_upscale_is_lanczos_per_channel_and_alike_at_both_depths() -> None:
    given = Photo(smooth())
    truth = np.asarray(Image.fromarray(given.pixels).resize((256, 192), Image.Resampling.LANCZOS))
    assert np.array_equal(upscale(given, 4).pixels, truth)
    deep = upscale(Photo(given.pixels.astype(np.uint16) * 257), 4)
    assert np.abs(rgb8(deep).astype(int) - truth).max() <= 1


def test_upscale_by_one_is_the_same_photo_and_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    given = photo_of("rgb", 8)
    assert upscale(given, 1) is given
    with pytest.raises(ValueError):
        upscale(given, 0)
    monkeypatch.setattr(photo, "MAX_PIXELS", 4 * 21 * 37)
    assert upscale(given, 2).width == 74
    with pytest.raises(UsageError, match="megapixels"):
        upscale(given, 2.1)
