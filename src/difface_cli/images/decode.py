"""From an opened Pillow image to arrays, at the depth of the file."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from difface_cli.base.errors import ImageError

Array = npt.NDArray[Any]

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_WHITE_IS_ZERO = 0
BAND = 1024  # rows converted at once


def is_deep_colour(image: Image.Image, layout: str) -> bool:
    """Whether the file holds 16-bit colour, which Pillow would hand out as 8-bit.

    CMYK is not counted: only its 8-bit form can be converted.
    """
    if image.format == "TIFF" and image.mode in ("RGB", "RGBA", "RGBX"):
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        return 16 in bits
    return image.format == "PNG" and layout in ("RGB;16B", "RGBA;16B", "LA;16B")


def raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, in Pillow's words; known until they are decoded."""
    tiles = getattr(image, "tile", [])
    args = tiles[0].args if tiles else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def arrays(
    image: Image.Image, layout: str, file: IO[bytes], name: str
) -> tuple[Array, Array | None]:
    """Pixels (h x w x 1 or 3) and alpha (h x w or None) of an opened `image` in `file`.

    `layout` is the `raw_mode` it had when it was opened.

    Whatever the decoders raise on damaged data is let through; samples that have no sensible
    8 or 16 bits raise ImageError.
    """
    if is_deep_colour(image, layout):
        return _deep_colour(image, layout, file, name)
    image.load()
    if image.mode == "F":
        raise ImageError(
            f"{name} holds floating-point samples, whose white is not defined.",
            hint="Save it as a 16-bit TIFF or PNG first.",
        )
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _deep_grey(image, name)
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        both = _converted(image, lambda band: band.convert("LA" if gray else "RGBA"))
        return both[..., :-1], both[..., -1]
    if gray:
        return _converted(image, lambda band: band.convert("L")), None
    return _converted(image, _to_rgb), None


def _converted(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Array:
    """h x w x c of what `convert` makes, band by band: a large picture is not held three times."""
    parts: Array | None = None
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        band = np.asarray(convert(image.crop((0, top, image.width, bottom))))
        if parts is None:
            parts = np.empty((image.height, image.width, *band.shape[2:]), np.uint8)
        parts[top:bottom] = band
    assert parts is not None  # no picture is without rows
    return parts if parts.ndim == 3 else parts[..., None]


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An opaque image in RGB, by its colour profile to sRGB where that can be used."""
    if profile:
        # Not a profile that is broken, or of another colour space.
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if made is not None:
                return made
    return image.convert("RGB")


def _to_rgb(image: Image.Image) -> Image.Image:
    """CMYK through its profile when it has one."""
    return to_srgb(image, image.info.get("icc_profile") if image.mode == "CMYK" else None)


def _deep_grey(image: Image.Image, name: str) -> tuple[Array, Array | None]:
    """16-bit grey, from Pillow's 16-bit and 32-bit integer modes."""
    wide = np.asarray(image)
    if wide.min() < 0 or wide.max() > 65535:
        raise ImageError(
            f"{name} holds grey values from {wide.min()} to {wide.max()}, beyond 16 bits.",
            hint="Save it as a 16-bit TIFF or PNG first.",
        )
    pixels: Array = wide.astype(np.uint16)
    tags = getattr(image, "tag_v2", {})
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        pixels = (pixels << 4) | (pixels >> 8)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        pixels = 65535 - pixels
    return pixels[..., None], _keyed(pixels[..., None], image)


def _keyed(pixels: Array, image: Image.Image) -> Array | None:
    """The alpha of a PNG that names one colour as transparent."""
    key = image.info.get("transparency")
    if not isinstance(key, (int, tuple)):
        return None
    hidden = (pixels == np.asarray(key, np.uint16)).all(axis=2)
    return np.where(hidden, 0, 65535).astype(np.uint16)


def _deep_colour(
    image: Image.Image, layout: str, file: IO[bytes], name: str
) -> tuple[Array, Array | None]:
    """16-bit RGB, RGBA or grey with alpha through OpenCV, checked against Pillow's 8 bits."""
    # Pillow comes first: it refuses damaged files that OpenCV gives back partly black.
    image.load()
    shallow = np.asarray(image)
    file.seek(0)
    deep = _opencv(file.read())
    if deep is None or deep.dtype != np.uint16 or deep.shape[:2] != shallow.shape[:2]:
        raise _unusual(name)
    colour, alpha = deep[..., 2::-1], deep[..., 3] if "A" in image.mode else None
    if layout.startswith("RGBa"):
        return _unmultiplied(colour, alpha), alpha
    if not np.array_equal((colour >> 8).astype(np.uint8), shallow[..., :3]):
        raise _unusual(name)
    if layout.startswith("LA"):
        return colour[..., :1], alpha
    return colour, _keyed(colour, image) if alpha is None else alpha


def _unusual(name: str) -> ImageError:
    """For layouts, such as separate planes, that only one of the decoders understands."""
    return ImageError(
        f"{name} stores its 16-bit colours in a way that cannot be read reliably.",
        hint="Save it again as a 16-bit PNG.",
    )


def _opencv(data: bytes) -> Array | None:
    """What OpenCV decodes from `data`, h x w x 3 or 4 (BGR, alpha); None when it cannot."""
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    return decoded if decoded is not None and decoded.ndim == 3 else None


def _unmultiplied(colour: Array, alpha: Array | None) -> Array:
    """16-bit colours that had their alpha multiplied in, freed of it."""
    assert alpha is not None
    share = np.maximum(alpha, 1)[..., None].astype(np.float64)
    return np.minimum(np.rint(colour * (65535.0 / share)), 65535).astype(np.uint16)
