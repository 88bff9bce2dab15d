"""Pictures between file and array, losing nothing a user cares about.

`read` gives a `Photo` (pixels upright, alpha, colour profile, EXIF, depth), `write` puts one
back in its place in one step. The modules: `photo` is the record and its arithmetic, `reading`
and `decode` take files apart, `writing` and `encode16` put them together, `exif` edits metadata,
`chroma` takes colour away and gives it, `screen` shows a photo in sRGB, `quiet` tames Pillow.
"""

from __future__ import annotations

from difface_cli.base.luma import luma
from difface_cli.images.chroma import (
    desaturated,
    is_toned,
    recoloured,
    with_chroma_of,
)
from difface_cli.images.photo import (
    MAX_PIXELS,
    MIN_SIDE,
    Photo,
    is_gray,
    rgb8,
    upscale,
    with_pixels,
)
from difface_cli.images.reading import contents, peek, read, read_bytes, read_stdin
from difface_cli.images.screen import on_screen
from difface_cli.images.writing import encode, format_for, write

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "Photo",
    "contents",
    "desaturated",
    "encode",
    "format_for",
    "is_gray",
    "is_toned",
    "luma",
    "on_screen",
    "peek",
    "read",
    "read_bytes",
    "read_stdin",
    "recoloured",
    "rgb8",
    "upscale",
    "with_chroma_of",
    "with_pixels",
    "write",
]
