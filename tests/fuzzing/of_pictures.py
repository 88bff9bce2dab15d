"""Bad pictures, and all that reads pictures."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from difface_cli import images
from difface_cli.base.errors import ImageError
from difface_cli.images import Photo
from difface_cli.tasks import holes
from difface_cli.training import pictures

from . import seeds
from .target import Target, put
from .trees import edited


@st.composite
def chunked(draw: st.DrawFn) -> bytes:
    """A PNG with spoiled chunks whose sums are right, so that they are looked into."""
    names = ("plain.png", "palette.png", "clear.png", "deep.png", "film.png", "bits.png")
    chunks = seeds.png_chunks(seeds.pictures()[draw(st.sampled_from(names))])
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(chunks) - 1))
        kind, content = chunks[at]
        kinds = st.sampled_from([kind, kind, kind, b"tEXt", b"iTXt", b"zTXt", b"iCCP", b"tRNS"])
        chunks[at] = (draw(kinds), draw(edited(content or b"\0")))
        if draw(st.booleans()):
            chunks.insert(draw(st.integers(0, len(chunks))), chunks[at])
    return seeds.png_of(chunks)


@st.composite
def header(draw: st.DrawFn) -> bytes:
    """A PNG, BMP or GIF that claims any size, depth and kind."""
    side = st.sampled_from(
        [0, 1, 15, 16, 17, 20, 48, 64, 4000, 17_320, 60_000, 2**31 - 1, 2**32 - 1]
    )
    width, height = draw(side), draw(side)
    whole = seeds.pictures()
    match draw(st.sampled_from(["png", "bmp", "gif"])):
        case "png":
            chunks = seeds.png_chunks(whole["plain.png"])
            depth, kind = draw(st.sampled_from([1, 2, 4, 8, 16, 3])), draw(st.integers(0, 7))
            head = struct.pack(
                ">IIBBBBB", width, height, depth, kind, 0, 0, draw(st.integers(0, 1))
            )
            return seeds.png_of([(b"IHDR", head), *chunks[1:]])
        case "bmp":
            data = bytearray(whole["plain.bmp"])
            struct.pack_into(
                "<IIHH", data, 18, width, height, 1, draw(st.sampled_from([1, 8, 16, 32]))
            )
            struct.pack_into("<I", data, 30, draw(st.integers(0, 6)))
            return bytes(data)
        case _:
            data = bytearray(whole["plain.gif"])
            struct.pack_into("<HH", data, 6, width % 2**16, height % 2**16)
            return bytes(data)


STARTS = [
    b"",
    b"\xff\xd8\xff\xe1",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x99\0\0\0WEBPVP8 ",
    b"II*\0",
    b"BM",
]
BAD_PICTURES = st.one_of(
    edited(*seeds.pictures().values()),
    edited(*seeds.pictures().values()),
    chunked(),
    header(),
    st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=200)),
)


def picture(data: bytes, folder: Path) -> None:
    """`images.read`, `peek` and all that is done with whatever was read."""
    path = put(folder, "photo.jpg", data)
    photo = images.read(path)
    images.peek(path)
    images.is_gray(photo)
    images.on_screen(photo, 64)
    for format in ("PNG", "JPEG", "TIFF", "WEBP"):
        if photo.width * photo.height < 10**6:
            images.encode(photo, format)


def mask(data: bytes, folder: Path) -> None:
    """A photo's holes, by a mask file and by what the photo itself shows."""
    path = put(folder, "mask.png", data)
    photo = Photo(np.zeros((48, 64, 3), np.uint8))
    holes.bridged(photo, holes.find(photo, "photo.png", holes.Wish(source=str(path), grow=2)))


def own_holes(data: bytes, folder: Path) -> None:
    """Holes in a bad photo: its transparency, a colour, black pixels."""
    photo = images.read(put(folder, "photo.png", data))
    for source in (None, "alpha", "#000"):
        with suppress(ImageError):
            holes.find(photo, "photo.png", holes.Wish(source=source))


def training_picture(data: bytes, folder: Path) -> None:
    """A picture to learn from; a bad one is passed over."""
    put(folder, "a.jpg", data)
    pictures.Pictures.of(16, folder)[0]


TARGETS = {
    "picture": Target(BAD_PICTURES, picture),
    "mask": Target(BAD_PICTURES, mask),
    "holes": Target(BAD_PICTURES, own_holes),
    "training picture": Target(BAD_PICTURES, training_picture),
}
