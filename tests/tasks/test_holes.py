"""Holes of every source are found where they were made, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from difface_cli import images
from difface_cli.base.errors import ImageError, UsageError
from difface_cli.images import Photo
from difface_cli.tasks.holes import Holes, Wish, blended, bridged, check, find

HEIGHT, WIDTH = 60, 80


def hole() -> np.ndarray[Any, Any]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20:40, 30:60] = True
    return mask


def picture(dtype: Any = np.uint8, channels: int = 3) -> np.ndarray[Any, Any]:
    """Smooth, brighter than black and no paint."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [90 + x, 120 + y, 100 + (x + y) // 2][:channels]
    return np.stack(planes, axis=2).astype(dtype) * (257 if dtype == np.uint16 else 1)


def photo(**facts: Any) -> Photo:
    return Photo(picture(), **facts)


def painted(colour: tuple[int, int, int]) -> Photo:
    pixels = picture()
    pixels[hole()] = colour
    return Photo(pixels)


def through(format: str, photo: Photo, **options: Any) -> Photo:
    file = io.BytesIO()
    Image.fromarray(photo.pixels).save(file, format, **options)
    return images.read_bytes(file.getvalue(), "photo")


def saved(tmp_path: Path, image: Image.Image, name: str = "mask.png") -> Wish:
    image.save(tmp_path / name)
    return Wish(str(tmp_path / name))


def white_of(mode: str) -> Image.Image:
    """The hole in white on black, in a file of this mode."""
    gray = Image.fromarray(np.where(hole(), 255, 0).astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray(np.where(hole(), 65535, 0).astype(np.uint16))
    if mode in ("LA", "RGBA"):  # white strokes on a transparent sheet
        sheet = Image.new(mode, gray.size, "white")
        sheet.putalpha(gray)
        return sheet
    return gray.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_mask_file_of_any_mode(tmp_path: Path, mode: str) -> None:
    found = find(photo(), "photo.png", saved(tmp_path, white_of(mode)))
    assert np.array_equal(found.mask, hole())
    assert found.share == pytest.approx(hole().mean())


def test_a_mask_in_a_bright_colour_is_white_enough(tmp_path: Path) -> None:
    red = Image.fromarray(hole()[..., None] * np.array([255, 0, 0], np.uint8))
    assert np.array_equal(find(photo(), "p", saved(tmp_path, red)).mask, hole())


def test_threshold_and_inversion(tmp_path: Path) -> None:
    wish = saved(tmp_path, Image.fromarray(np.where(hole(), 100, 20).astype(np.uint8)))
    assert not find(photo(), "p", wish).mask.any()
    low = Wish(wish.source, threshold=0.3)
    assert np.array_equal(find(photo(), "p", low).mask, hole())
    inverted = Wish(wish.source, threshold=0.3, invert=True)
    assert np.array_equal(find(photo(), "p", inverted).mask, ~hole())


def test_grown_holes_fade_and_end(tmp_path: Path) -> None:
    wish = saved(tmp_path, white_of("L"))
    weight = find(photo(), "p", Wish(wish.source, grow=3)).weight
    assert np.array_equal(weight == 1, hole())
    assert weight[30, 60:65].tolist() == [0.75, 0.5, 0.25, 0, 0]
    assert not weight[:17].any()


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    wish = saved(tmp_path, Image.new("L", (40, 30)))
    with pytest.raises(ImageError, match="is 40x30 pixels, and p is 80x60"):
        find(photo(), "p", wish)
    turned = saved(tmp_path, Image.new("L", (HEIGHT, WIDTH)))
    with pytest.raises(ImageError, match="Turn the mask"):
        find(photo(), "p", turned)


def test_a_mask_over_everything_is_refused(tmp_path: Path) -> None:
    wish = saved(tmp_path, Image.new("L", (WIDTH, HEIGHT), "white"))
    with pytest.raises(ImageError, match="--invert-mask"):
        find(photo(), "p", wish)


class TestFolder:
    """Masks lie in a folder under their photos' names."""

    def test_is_matched_by_stem(self, tmp_path: Path) -> None:
        white_of("L").save(tmp_path / "a.png")
        Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "ab.png")
        found = find(photo(), "album/a.jpg", Wish(str(tmp_path)))
        assert np.array_equal(found.mask, hole())
        assert found.source == str(tmp_path / "a.png")

    def test_the_photo_itself_is_no_mask(self, tmp_path: Path) -> None:
        Image.fromarray(picture()).save(tmp_path / "a.jpg")
        white_of("L").save(tmp_path / "a.png")
        found = find(photo(), str(tmp_path / "a.jpg"), Wish(str(tmp_path)))
        assert np.array_equal(found.mask, hole())

    def test_none_and_several_are_refused(self, tmp_path: Path) -> None:
        for name in ("a.png", "a.bmp"):
            white_of("L").save(tmp_path / name)
        with pytest.raises(ImageError, match=r"no mask for b\.jpg"):
            find(photo(), "b.jpg", Wish(str(tmp_path)))
        with pytest.raises(ImageError, match=r"several masks for a\.jpg: a\.bmp, a\.png"):
            find(photo(), "a.jpg", Wish(str(tmp_path)))
        assert find(photo(), "x/a.png", Wish(str(tmp_path))).source.endswith("a.png")
        with pytest.raises(ImageError, match="no mask for -"):
            find(photo(), "-", Wish(str(tmp_path)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparency_is_a_hole(dtype: Any) -> None:
    alpha = np.where(hole(), 0, np.iinfo(dtype).max).astype(dtype)
    seen = Photo(picture(dtype), alpha=alpha)
    assert np.array_equal(find(seen, "p", Wish("alpha")).mask, hole())
    with pytest.raises(ImageError, match="no transparency"):
        find(photo(), "p", Wish("alpha"))


@pytest.mark.parametrize(("name", "colour"), [("#ff00ff", (255, 0, 255)), ("#0f0", (0, 255, 0))])
def test_paint_is_a_hole(name: str, colour: tuple[int, int, int]) -> None:
    exact = find(painted(colour), "p", Wish(name)).mask
    assert exact[hole()].all()
    assert not exact[:19].any()  # beyond the pixel that a soft brush may have mixed
    lossy = find(through("JPEG", painted(colour), quality=75), "p", Wish(name)).mask
    assert (lossy & hole()).sum() > 0.99 * hole().sum()
    assert not lossy[:16].any()


def test_a_thin_painted_line_is_found() -> None:
    pixels = picture()
    pixels[30, 10:70] = (255, 0, 0)
    assert find(Photo(pixels), "p", Wish("#ff0000")).mask[30].sum() == 60


class TestZeros:
    """Without a mask, black is missing."""

    def test_exact_in_lossless_files(self) -> None:
        pixels = painted((0, 0, 0)).pixels.copy()
        pixels[40, 30:60] = (0, 1, 0)  # dark, and there
        found = find(Photo(pixels), "p", Wish())
        assert np.array_equal(found.mask, hole())
        assert not found.doubt

    @pytest.mark.parametrize("quality", [60, 75, 95])
    def test_near_enough_in_jpeg(self, quality: int) -> None:
        seen = find(through("JPEG", painted((0, 0, 0)), quality=quality), "p", Wish()).mask
        assert (seen & hole()).sum() > 0.99 * hole().sum()
        assert (seen & ~hole()).sum() < 0.05 * (~hole()).sum()

    def test_few_and_many_are_doubted(self) -> None:
        pixels = picture()
        pixels[5, 5] = 0
        assert "0.02%" in find(Photo(pixels), "p", Wish()).doubt
        pixels[:58] = 0
        assert "96.67%" in find(Photo(pixels), "p", Wish()).doubt

    def test_none_are_no_doubt(self) -> None:
        found = find(photo(), "p", Wish())
        assert not found.mask.any()
        assert not found.doubt


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(threshold=0.0), "--mask-threshold"),
        (Wish(threshold=1.5), "--mask-threshold"),
        (Wish(grow=-1), "--mask-grow"),
        (Wish("#ff00f"), "no colour"),
    ],
)
def test_wishes_outside_their_range_are_refused(wish: Wish, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check(wish)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_bridging_a_smooth_picture_gives_it_back(dtype: Any, channels: int) -> None:
    truth = picture(dtype, channels)
    damaged = np.where(hole()[..., None], 0, truth).astype(dtype)
    found = Holes(hole().astype(np.float32), "test")
    out = bridged(Photo(damaged), found).pixels
    assert out.dtype == dtype
    assert np.array_equal(out[~hole()], truth[~hole()])
    off = np.abs(out.astype(float) - truth)[hole()].mean() / np.iinfo(dtype).max
    assert off < 0.03


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_blending_touches_holes_only_and_makes_them_opaque(dtype: Any) -> None:
    weight = hole().astype(np.float32)
    weight[19, 30:60] = 0.5
    alpha = np.where(hole(), 0, 77).astype(dtype)
    before = Photo(picture(dtype), alpha=alpha)
    filled = np.full_like(before.pixels, np.iinfo(dtype).max)
    after = blended(before, filled, Holes(weight, "test"))
    outside = weight == 0
    assert np.array_equal(after.pixels[outside], before.pixels[outside])
    assert (after.pixels[hole()] == np.iinfo(dtype).max).all()
    seam = after.pixels[19, 30:60].astype(float)
    expected = (before.pixels[19, 30:60] + float(np.iinfo(dtype).max)) / 2
    assert np.abs(seam - expected).max() <= 0.5
    assert after.alpha is not None
    assert (after.alpha[hole()] == np.iinfo(dtype).max).all()
    assert (after.alpha[outside] == 77).all()
