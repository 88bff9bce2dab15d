"""From `Photo` to bytes and to a file that appears in one step or not at all."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from difface_cli.base import atomic
from difface_cli.base.errors import OutputError, UsageError
from difface_cli.images import encode16, exif
from difface_cli.images.photo import Photo, to_depth8, with_pixels

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""Format written for each suffix, in lower case."""

_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
_JPEG_SEGMENT = 65533
_DEEP = ("PNG", "TIFF")
_OPAQUE = ("JPEG", "BMP")


def format_for(target: Path) -> str:
    """The format that the suffix of `target` stands for; OutputError for any other suffix."""
    try:
        return SUFFIXES[target.suffix.lower()]
    except KeyError:
        found = f"the suffix {target.suffix}" if target.suffix else "no suffix"
        raise OutputError(
            f"{target} has {found}, which no format is written for.",
            hint=f"End it in one of {', '.join(SUFFIXES)}.",
        ) from None


def encode(photo: Photo, format: str, quality: int = 95) -> bytes:
    """The bytes of `photo` as a file in `format` (JPEG, PNG, WEBP, TIFF or BMP).

    Kept where the format can: ICC profile (when it is for the colour space written), EXIF
    (beyond 64 kB not in JPEG), resolution, alpha. JPEG and BMP have no alpha and get the
    picture on white, the paper colour viewers show it on. PNG and TIFF keep 16 bits, others
    round to 8. One channel is written as a grey file, except in WebP, which has none. `quality`
    (1..100) serves JPEG, at full chroma resolution, and WebP, which is lossless at 100.

    Raises UsageError for a `quality` outside its range, OutputError for an unknown format or a
    picture too large for it.
    """
    if not 1 <= quality <= 100:
        raise UsageError(f"Quality {quality} is outside 1 to 100.", hint="Use 95, the default.")
    if format not in SUFFIXES.values():
        raise OutputError(
            f"{format} files are not written.", hint="Choose JPEG, PNG, WebP, TIFF or BMP."
        )
    longest = max(photo.width, photo.height)
    if longest > _LONGEST_SIDE.get(format, longest):
        raise OutputError(
            f"{format} holds at most {_LONGEST_SIDE[format]} pixels a side, not {longest}.",
            hint="Write a .png or .tif file instead.",
        )
    try:
        photo = _fitted(photo, format)
        if format == "TIFF":
            return encode16.tiff(photo)
        return encode16.png16(photo) if photo.depth == 16 else _pillow(photo, format, quality)
    except (OSError, ValueError, OverflowError) as error:
        raise OutputError(
            f"The picture cannot be written as {format}: {error}.",
            hint="Write a .png file instead.",
        ) from error


def write(photo: Photo, target: Path, *, quality: int = 95) -> None:
    """Write `photo` to `target` in the format of its suffix; see `encode`.

    An existing file is replaced in one step, and left alone when anything fails. Raises
    OutputError for an unknown suffix, a target that is no plain file, a missing or closed
    folder, a full disk.
    """
    atomic.write(target, encode(photo, format_for(target), quality))


def _fitted(photo: Photo, format: str) -> Photo:
    """`photo` with the depth and alpha that `format` can hold."""
    if photo.depth == 16 and format not in _DEEP:
        alpha = None if photo.alpha is None else to_depth8(photo.alpha)
        photo = with_pixels(photo, to_depth8(photo.pixels), alpha)
    if photo.alpha is not None and format in _OPAQUE:
        photo = _on_white(photo, photo.alpha)
    return _with_fitting_icc(photo, "RGB" if format == "WEBP" else None)


def _on_white(photo: Photo, alpha: npt.NDArray[np.uint8]) -> Photo:
    """An 8-bit photo laid over white by its `alpha`, which it has no longer then."""
    opaque = _image(with_pixels(photo, photo.pixels, None))
    paper = Image.new(opaque.mode, opaque.size, "white")
    flat = np.asarray(Image.composite(opaque, paper, Image.fromarray(alpha)))
    return with_pixels(photo, flat.reshape(photo.pixels.shape), None)


def _with_fitting_icc(photo: Photo, space: str | None) -> Photo:
    """`photo` without a profile made for another colour space: readers reject such files."""
    space = space or ("GRAY" if photo.is_gray_file else "RGB")
    if photo.icc is None or photo.icc[16:20] == space.ljust(4).encode():
        return photo
    return replace(photo, icc=None)


def _pillow(photo: Photo, format: str, quality: int) -> bytes:
    """An 8-bit picture as Pillow writes it."""
    options: dict[str, Any] = {}
    if photo.icc:
        options["icc_profile"] = photo.icc
    if photo.dpi:
        options["dpi"] = photo.dpi
    if photo.exif and not (format == "JPEG" and len(photo.exif) > _JPEG_SEGMENT - 6):
        options["exif"] = exif.MARK + photo.exif
    if format == "PNG":
        options["compress_level"] = encode16.DEFLATE_LEVEL
    if format == "JPEG":
        options |= {"quality": quality, "subsampling": "4:4:4"}
    if format == "WEBP":
        options |= {"quality": quality, "lossless": quality == 100, "exact": True}
    file = io.BytesIO()
    _image(photo).save(file, format, **options)
    return file.getvalue()


def _image(photo: Photo) -> Image.Image:
    """Pillow's image of 8-bit pixels and alpha."""
    image = Image.fromarray(photo.pixels[..., 0] if photo.is_gray_file else photo.pixels)
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(photo.alpha))
    return image
