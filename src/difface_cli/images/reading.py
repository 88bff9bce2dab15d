"""From file, stream or bytes to `Photo`; whatever is wrong with them becomes an ImageError."""

from __future__ import annotations

import io
import math
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from difface_cli.base.errors import DifFaceError, ImageError
from difface_cli.images import decode, exif
from difface_cli.images.photo import MAX_PIXELS, MIN_SIDE, Photo
from difface_cli.images.quiet import quiet_pillow

# Formats without a signature (TGA) or that run other programs (EPS) are left out.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
_COMMON = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
SUFFIXES = frozenset((*_COMMON, ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif"))
"""Of the files that are taken for pictures among others in a folder, in lower case."""
MAX_STDIN = 4_000_000_000
"""Most bytes taken from standard input."""

HARMLESS, DENSEST = 50_000_000, 200
"""Pixels that may come from any file, and of larger pictures those from one byte of it."""
MOST_WORK = 4_000_000_000
"""Pixels that the passes of a progressive JPEG may draw; 13 passes of the largest photo."""

_OWN: tuple[Literal["C", "W"], ...] = ("C", "W")  # contiguous, writeable
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"BM", b"GIF8")
_SCAN_OF_JPEG, _END_OF_JPEG = b"\xff\xda", b"\xff\xd9"
_SIDEWAYS = (5, 6, 7, 8)
_AGAIN = "Copy or download it again."


def read(source: Path | str | BinaryIO, *, name: str | None = None) -> Photo:
    """The picture in a file or an opened binary stream.

    `name` is what errors call it, by default its path. EXIF rotation is applied and its tag
    reset; ICC profile, EXIF, alpha and 16 bits are kept; palettes become RGB, CMYK becomes
    sRGB. Of several frames or pages the first is taken; XMP is not kept. 16-bit CMYK and
    formats other than PNG and TIFF give 8-bit colour. Raises ImageError.
    """
    if isinstance(source, (str, Path)):
        label = name or _label(source)
        with _opened(Path(source), label) as file:
            return _photo(file, label)
    label = name or _label(getattr(source, "name", "The picture"))
    return _photo(source if source.seekable() else io.BytesIO(source.read()), label)


def read_bytes(data: bytes, name: str) -> Photo:
    """The picture in the bytes of a file, called `name` in errors; see `read`."""
    return _photo(io.BytesIO(data), _label(name))


def contents(path: Path | str) -> bytes:
    """The bytes of a regular file, whatever is in it; ImageError when it cannot be read."""
    label = _label(path)
    with _opened(Path(path), label) as file:
        try:
            return file.read()
        except (OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or "it does not fit into memory"
            raise ImageError(f"{label} cannot be read: {reason}.", hint=_AGAIN) from error


def read_stdin() -> bytes:
    """All of standard input; ImageError when it is a terminal or endless."""
    if sys.stdin.isatty():
        raise ImageError(
            "No photo comes in on standard input.", hint="Pipe one in: difface ... - < photo.jpg"
        )
    data = sys.stdin.buffer.read(MAX_STDIN + 1)
    if len(data) > MAX_STDIN:
        raise ImageError(
            f"Standard input holds more than {MAX_STDIN // 10**9} GB.", hint="Give one photo."
        )
    return data


def peek(path: Path | str) -> tuple[int, int, str]:
    """Width, height (upright, in pixels) and format of a file, from its header alone.

    Raises ImageError like `read`, except for damage that lies behind the header. A rotation
    that a PNG gives behind its pixels is not seen.
    """
    label = _label(path)
    with _opened(Path(path), label) as file, _decoding(label):
        image = _open(file, label)
        width, height = image.size
        # Pillow turns the size of a TIFF by itself, and decodes a PNG that has no EXIF in front.
        told = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
        if told and _orientation(image) in _SIDEWAYS:
            width, height = height, width
        return width, height, _format(image)


def _label(source: object) -> str:
    """A printable name: file names need not be valid UTF-8."""
    return os.fsencode(str(source)).decode("utf-8", "replace")


@contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """The regular file at `path`, opened without ever waiting for a pipe or device."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{name} is a folder.", hint="Give the photos that are in it.")
        if not stat.S_ISREG(mode):
            raise ImageError(
                f"{name} is a pipe or device, not a file.",
                hint="Send its content to standard input and give - as the photo.",
            )
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError(
            f"{name} does not exist.", hint="Check the path and its spelling."
        ) from None
    except PermissionError:
        raise ImageError(
            f"{name} may not be read: permission denied.",
            hint="Change its permissions, or use a copy that belongs to you.",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImageError(
            f"{name} cannot be opened: {reason}.", hint="Check the path and its spelling."
        ) from error
    with file:
        yield file


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Pillow quiet and without its own size limit, its failures turned into ImageErrors."""
    try:
        with quiet_pillow():
            yield
    except DifFaceError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory.", hint="Reduce it first.") from error
    except Exception as error:  # damaged data makes the decoders raise nearly anything
        raise ImageError(f"{name} is damaged or cut short.", hint=_AGAIN) from error


def _open(file: IO[bytes], name: str) -> Image.Image:
    """The header of a picture, its format and size approved."""
    file.seek(0)
    start = file.read(16)
    if not start:
        raise ImageError(f"{name} is empty (0 bytes).", hint=_AGAIN)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if start.startswith(_SIGNATURES):
            raise ImageError(
                f"{name} is damaged, or of a rare kind that cannot be read.",
                hint="Copy it again, or convert it to PNG.",
            ) from error
        raise ImageError(
            f"{name} is not a picture in a format that can be read.",
            hint="Convert it to JPEG, PNG, WebP, TIFF or BMP.",
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} claims {width}x{height} pixels, more than {MAX_PIXELS // 1_000_000} million.",
            hint="Reduce it first, or cut it into parts.",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name} has {width}x{height} pixels, each side needs at least {MIN_SIDE}.",
            hint="Use a larger copy of the photo.",
        )
    size = file.seek(0, os.SEEK_END)
    if width * height > max(HARMLESS, DENSEST * size):
        raise ImageError(
            f"{name} claims {width}x{height} pixels and has only {size:,} bytes: it is damaged, "
            "or made to fill the memory.",
            hint="If it is a photo after all, reduce it first.",
        )
    return image


def _photo(file: IO[bytes], name: str) -> Photo:
    """The picture in a seekable `file`."""
    with _decoding(name):
        image = _open(file, name)
        _check_whole(image, file)
        image = _open(file, name)
        layout = decode.raw_mode(image)  # asking a PNG for its EXIF decodes it
        turn = _orientation(image)
        block = _exif(image)
        pixels, alpha = decode.arrays(image, layout, file, name)
        # Pillow turns TIFF pixels while it decodes them and then drops the tag.
        left = _orientation(image)
        dpi = _dpi(image)
        return Photo(
            pixels=np.require(exif.upright(pixels, left), requirements=_OWN),
            alpha=None
            if alpha is None
            else np.require(exif.upright(alpha, left), requirements=_OWN),
            icc=_icc(image),
            exif=block,
            format=_format(image),
            dpi=dpi[::-1] if dpi and turn in _SIDEWAYS else dpi,
        )


def _check_whole(image: Image.Image, file: IO[bytes]) -> None:
    """Raise when a JPEG or PNG was cut and filled up with zeros, as broken downloads are.

    The decoders take the zeros for grey or black rows. WebP and plain TIFF have no such mark.
    """
    if image.format == "PNG":
        image.verify()
    elif image.format in ("JPEG", "MPO"):
        file.seek(0)
        data = file.read()
        first = _first_scan(data)
        if data.find(_END_OF_JPEG, first) < 0:
            raise OSError("no end-of-image mark behind the first scan")
        if image.width * image.height * data.count(_SCAN_OF_JPEG, first) > MOST_WORK:
            raise OSError("more passes over the pixels than any photo needs")


def _first_scan(data: bytes) -> int:
    """Where the pixels of a JPEG start: behind the thumbnail, which has its own end mark."""
    at = 2
    while data[at : at + 2] != _SCAN_OF_JPEG and data[at : at + 1] == b"\xff":
        fill = data[at + 1 : at + 2] == b"\xff"
        at += 1 if fill else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def _format(image: Image.Image) -> str:
    """Pillow's name of the format; an MPO is a JPEG with more pictures behind it."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 when there is none or the EXIF is broken."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken metadata must not cost the picture
        return 1
    return value if isinstance(value, int) else 1


def _exif(image: Image.Image) -> bytes | None:
    """The EXIF block; None when there is none or it is broken."""
    try:
        return exif.block_of(image)
    except Exception:  # broken metadata must not cost the picture
        return None


def _icc(image: Image.Image) -> bytes | None:
    """The ICC profile, unless it describes the CMYK that was just converted away."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile and image.mode != "CMYK" else None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch, when the file gives two sensible numbers."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    sensible = all(math.isfinite(value) and value > 0 for value in (across, down))
    return (across, down) if sensible else None
