"""Pictures, profiles and files that the tests of images share."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags, Image, ImageCms

from difface_cli.images import Photo

Array = npt.NDArray[Any]
SHAPES = {1: (20, 30), 3: (20, 30, 3), 4: (20, 30, 4)}
"""Of small pictures, by channels."""
KINDS = ("grey", "grey+alpha", "rgb", "rgb+alpha")


def noise(*shape: int, depth: int = 8, seed: int = 0) -> Array:
    """Samples over the whole range: every bit and every position matters."""
    dtype = np.uint8 if depth == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**depth, shape, dtype=dtype)


def smooth(height: int = 48, width: int = 64, depth: int = 8) -> Array:
    """A colourful picture without detail, h x w x 3, which lossy formats keep closely."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (x / width, y / height, 0.5 + 0.4 * np.sin((x + y) / 15))
    top = 2**depth - 1
    return np.stack([np.rint(p * top) for p in planes], axis=2).astype(
        np.uint8 if depth == 8 else np.uint16
    )


def photo_of(kind: str, depth: int, height: int = 21, width: int = 37) -> Photo:
    """A noise photo of one of `KINDS`."""
    pixels = noise(height, width, 3 if kind.startswith("rgb") else 1, depth=depth)
    alpha = noise(height, width, depth=depth, seed=1) if kind.endswith("alpha") else None
    return Photo(pixels, alpha)


def srgb_profile() -> bytes:
    """A real RGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def fake_profile(space: bytes) -> bytes:
    """A profile header of a colour space (4 bytes), enough to be carried along."""
    head = bytearray(200)
    head[0:4] = struct.pack(">I", 200)
    head[12:24] = b"mntr" + space + b"XYZ "
    head[36:40] = b"acsp"
    return bytes(head)


def ink_profile() -> bytes:
    """A CMYK profile whose only ink is black: lightness falls with K, the rest is ignored."""
    same = bytes(range(256))
    corners = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + same * 4 + corners + same * 3
    head = bytearray(fake_profile(b"CMYK")[:128])
    head[0:4] = struct.pack(">I", 144 + len(table))
    head[8:16] = b"\x02\x40\0\0prtr"
    head[20:24] = b"Lab "
    head[68:80] = bytes.fromhex("0000f6d6 00010000 0000d32d")
    return bytes(head) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def exif_block(orientation: int = 1, order: str = "<") -> bytes:
    """EXIF with a make, an orientation, a lens and a maker note, as a TIFF block."""
    exif = Image.Exif()
    exif.endian = order
    exif[ExifTags.Base.Make] = "Difface Works"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.IFD.Exif] = {
        int(ExifTags.Base.LensModel): "50 mm",
        int(ExifTags.Base.MakerNote): b"private \x00\x01\x02",
    }
    return exif.tobytes().removeprefix(b"Exif\x00\x00")


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    """The file that Pillow makes of an image."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """The loaded image that Pillow makes of a file."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: Array, extra: bytes = b"", size: tuple[int, int] | None = None) -> bytes:
    """A plain PNG of h x w x (1..4) samples; `size` is what its header claims."""
    height, width, channels = samples.shape
    depth = 8 * samples.itemsize
    rows = np.ascontiguousarray(samples, samples.dtype.newbyteorder(">")).view(np.uint8)
    rows = np.pad(rows.reshape(height, -1), ((0, 0), (1, 0)))
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, kind, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            extra,
            chunk(b"IDAT", zlib.compress(rows.tobytes())),
            chunk(b"IEND", b""),
        ]
    )


def tiff(samples: Array, **options: Any) -> bytes:
    """The file that tifffile makes of h x w (x 3 or 4) samples."""
    file = io.BytesIO()
    options.setdefault("photometric", "rgb" if samples.ndim == 3 else "minisblack")
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()
