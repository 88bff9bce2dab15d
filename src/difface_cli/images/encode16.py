"""PNG at 16 bits and TIFF at any depth, which Pillow cannot write in full.

Pillow has no 16-bit colour; both formats need little more than zlib.
PNG: https://www.w3.org/TR/png-3/, TIFF: TIFF 6.0 with Adobe's deflate (technical note 2).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin, TiffTags

from difface_cli.images import exif
from difface_cli.images.photo import Photo
from difface_cli.images.quiet import quiet_pillow

Array = npt.NDArray[Any]

DEFLATE_LEVEL = 4
"""Of 9: up to 9 % larger than at zlib's usual 6, in a half to nearly all of the time."""

_BLOCK_BYTES = 1 << 20
_PNG_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}  # samples a pixel: colour type
_SUB_FILTER = 1
_PNG_NAME = b"ICC profile\x00\x00"


def png16(photo: Photo) -> bytes:
    """A PNG of a 16-bit photo with its profile, EXIF and resolution."""
    samples = photo.samples
    header = struct.pack(
        ">IIBBBBB", photo.width, photo.height, 16, _PNG_COLOUR[samples.shape[2]], 0, 0, 0
    )
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    if photo.icc:
        parts.append(_chunk(b"iCCP", _PNG_NAME + zlib.compress(photo.icc, DEFLATE_LEVEL)))
    if photo.dpi:
        across, down = (round(value / 0.0254) for value in photo.dpi)
        parts.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if photo.exif:
        parts.append(_chunk(b"eXIf", photo.exif))
    packer = zlib.compressobj(DEFLATE_LEVEL)
    for rows in _blocks(samples):
        parts.append(_chunk(b"IDAT", packer.compress(_sub_filtered(rows))))
    parts += [_chunk(b"IDAT", packer.flush()), _chunk(b"IEND", b"")]
    return b"".join(parts)


def tiff(photo: Photo) -> bytes:
    """A deflated TIFF of the photo with its alpha, profile, EXIF and resolution.

    16-bit grey with alpha is stored as RGB with alpha: few readers know the two-sample form.
    """
    samples = photo.samples
    if samples.shape[2] == 2 and photo.depth == 16:
        samples = samples[..., [0, 0, 0, 1]]
    blocks = list(_blocks(samples))
    strips = [zlib.compress(_differences(rows), DEFLATE_LEVEL) for rows in blocks]
    sizes = [len(strip) for strip in strips]
    tags = _tiff_tags(photo, samples.shape[2], len(blocks[0]))
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(sizes)
    # Pillow counts these from the end of the directory.
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(np.cumsum([0, *sizes[:-1]]).tolist())
    with quiet_pillow():
        return b"".join([_directory(tags, photo.exif), *strips])


def _directory(tags: dict[int, Any], block: bytes | None) -> bytes:
    """A TIFF file up to its strips: header, `tags`, and what EXIF tells of the photo."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS):
        directory.tagtype[tag] = TiffTags.LONG
    for tag, value in tags.items():
        directory[tag] = value
    if block:
        for tag, value in exif.describing(exif.parse(block)).items():
            directory[tag] = value
    file = io.BytesIO()
    directory.save(file)
    return file.getvalue()


def _tiff_tags(photo: Photo, channels: int, rows: int) -> dict[int, Any]:
    """The tags that lay out the picture, `rows` to a strip."""
    tags: dict[int, Any] = {
        TiffImagePlugin.IMAGEWIDTH: photo.width,
        TiffImagePlugin.IMAGELENGTH: photo.height,
        TiffImagePlugin.BITSPERSAMPLE: (photo.depth,) * channels,
        TiffImagePlugin.COMPRESSION: 8,
        TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: 2 if channels > 2 else 1,
        TiffImagePlugin.SAMPLESPERPIXEL: channels,
        TiffImagePlugin.ROWSPERSTRIP: rows,
        TiffImagePlugin.PLANAR_CONFIGURATION: 1,
        TiffImagePlugin.PREDICTOR: 2,
    }
    if photo.alpha is not None:
        tags[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha that is not multiplied into the colours
    if photo.icc:
        tags[TiffImagePlugin.ICCPROFILE] = photo.icc
    if photo.dpi:
        tags[TiffImagePlugin.X_RESOLUTION] = photo.dpi[0]
        tags[TiffImagePlugin.Y_RESOLUTION] = photo.dpi[1]
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2
    return tags


def _blocks(samples: Array) -> Iterator[Array]:
    """Runs of whole rows, so that the working copies stay small."""
    rows = max(1, _BLOCK_BYTES // samples[0].nbytes)
    for top in range(0, len(samples), rows):
        yield samples[top : top + rows]


def _chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk; nothing for an empty IDAT, which the compressor gives while it collects."""
    if kind == b"IDAT" and not data:
        return b""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _sub_filtered(rows: Array) -> bytes:
    """Rows of uint16 as PNG's Sub filter wants them: bytes less those of the pixel before."""
    pixel = 2 * rows.shape[2]
    flat = np.ascontiguousarray(rows, ">u2").view(np.uint8).reshape(len(rows), -1)
    out = np.empty((len(rows), flat.shape[1] + 1), np.uint8)
    out[:, 0] = _SUB_FILTER
    out[:, 1:] = flat
    out[:, 1 + pixel :] -= flat[:, :-pixel]
    return out.tobytes()


def _differences(rows: Array) -> bytes:
    """Rows as TIFF's horizontal predictor wants them: samples less those of the pixel before."""
    out = rows.copy()
    out[:, 1:] -= rows[:, :-1]
    return out.astype(out.dtype.newbyteorder("<"), copy=False).tobytes()
