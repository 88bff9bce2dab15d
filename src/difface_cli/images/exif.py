"""EXIF: the orientation tag, and the tags that outlive a change of file format."""

from __future__ import annotations

import struct
from typing import Any

import numpy.typing as npt
from PIL import ExifTags, Image

MARK = b"Exif\x00\x00"
"""What stands in front of the TIFF block in JPEG files."""

_INTEGERS = {1: "B", 3: "H", 4: "I"}  # TIFF's BYTE, SHORT, LONG

# What a TIFF's own directory tells of the photo and not of its layout in the file:
# description, make, model, software, date, artist, host, rating, copyright, and the XP texts.
_DESCRIBING = (
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298),
    *range(0x9C9B, 0x9CA0),
)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def upright(array: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """A view of `array` (h x w x ...) as the EXIF `orientation` 1..8 means it to be seen.

    Any other number leaves it as it is. EXIF 2.32, section 4.6.4, tag 0x0112.
    """
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


def without_mark(block: bytes) -> bytes:
    """The TIFF block of EXIF bytes that may have `MARK` in front (WebP files vary)."""
    while block.startswith(MARK):
        block = block[len(MARK) :]
    return block


def reset_orientation(block: bytes) -> bytes:
    """The TIFF `block` with its orientation set to 1 and every other byte as it was.

    Writing the block anew would move what maker notes point to. A damaged block is mended as
    far as it can be followed.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return block
    mended = bytearray(block)
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", block, at)
            if tag == ExifTags.Base.Orientation and kind in _INTEGERS:
                struct.pack_into(order + _INTEGERS[kind], mended, at + 8, 1)
    except struct.error:
        pass
    return bytes(mended)


def describing(exif: Image.Exif) -> Image.Exif:
    """The tags of `exif` that describe the photo, without those that lay out its file."""
    kept = Image.Exif()
    for tag in _DESCRIBING:
        if tag in exif:
            kept[tag] = exif[tag]
    for directory in _DIRECTORIES:
        if content := exif.get_ifd(directory):
            kept[directory] = dict(content)
    return kept


def parse(block: bytes) -> Image.Exif:
    """The tags of a TIFF `block`; none when it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(block)
    except Exception:  # Pillow's parser raises nearly anything on damaged blocks
        return Image.Exif()
    return exif


def block_of(image: Image.Image) -> bytes | None:
    """The EXIF of an opened `image` as a TIFF block with orientation 1; None without one."""
    if image.format == "TIFF":
        described = describing(image.getexif())
        return without_mark(described.tobytes()) if len(described) else None
    block = image.info.get("exif")
    if not isinstance(block, bytes) and "Raw profile type exif" in image.info:
        block = image.getexif().tobytes()  # older ImageMagick: hexadecimal text in a PNG
    if not isinstance(block, bytes):
        return None
    return reset_orientation(without_mark(block)) or None
