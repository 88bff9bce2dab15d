"""Good files, small and of many kinds, to be spoiled."""

from __future__ import annotations

import io
import json
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from tests.images.pictures import (
    chunk,
    exif_block,
    ink_profile,
    noise,
    png,
    saved,
    smooth,
    srgb_profile,
    tiff,
)

RGB = Image.fromarray((smooth() // 2 + noise(48, 64, 3) // 8).astype(np.uint8))
GREY = RGB.convert("L")
PALETTE = RGB.quantize(16)
CLEAR = RGB.convert("RGBA")
CLEAR.putalpha(GREY)


def film(format: str) -> bytes:
    """A file of three frames or pages."""
    frames = [RGB.rotate(angle) for angle in (0, 90, 180)]  # Pillow changes what it saves
    return saved(frames[0], format, save_all=True, append_images=frames[1:])


@cache
def pictures() -> dict[str, bytes]:
    """Files of every format that is read, by name."""
    exif, icc = exif_block(3), srgb_profile()
    return {
        "plain.jpg": saved(RGB, "JPEG", exif=exif, icc_profile=icc, dpi=(300, 300)),
        "progressive.jpg": saved(RGB, "JPEG", progressive=True),
        "restart.jpg": saved(RGB, "JPEG", restart_marker_rows=1),
        "grey.jpg": saved(GREY, "JPEG"),
        "cmyk.jpg": saved(RGB.convert("CMYK"), "JPEG", icc_profile=ink_profile()),
        "film.mpo": film("MPO"),
        "plain.png": saved(RGB, "PNG", exif=exif, icc_profile=icc),
        "palette.png": saved(PALETTE, "PNG", transparency=bytes(range(16))),
        "clear.png": saved(CLEAR, "PNG"),
        "bits.png": saved(GREY.convert("1"), "PNG"),
        "deep.png": png(noise(20, 20, 3, depth=16)),
        "deep_clear.png": png(noise(20, 20, 4, depth=16)),
        "deep_grey.png": png(noise(20, 20, 1, depth=16)),
        "film.png": film("PNG"),
        "plain.webp": saved(RGB, "WEBP", exif=exif, icc_profile=icc),
        "clear.webp": saved(CLEAR, "WEBP", lossless=True),
        "film.webp": film("WEBP"),
        "plain.tif": saved(RGB, "TIFF", exif=exif, icc_profile=icc),
        "lzw.tif": saved(RGB, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": saved(RGB, "TIFF", compression="jpeg"),
        "zip.tif": saved(RGB, "TIFF", compression="tiff_adobe_deflate"),
        "fax.tif": saved(GREY.convert("1"), "TIFF", compression="group4"),
        "cmyk.tif": saved(RGB.convert("CMYK"), "TIFF"),
        "deep.tif": tiff(noise(20, 30, 3, depth=16)),
        "deep_grey.tif": tiff(noise(20, 30, depth=16)),
        "float.tif": tiff(np.zeros((20, 30), np.float32)),
        "pages.tif": film("TIFF"),
        "plain.bmp": saved(RGB, "BMP"),
        "palette.bmp": saved(PALETTE, "BMP"),
        "plain.gif": saved(PALETTE, "GIF"),
        "film.gif": film("GIF"),
        "plain.ppm": saved(RGB, "PPM"),
        "plain.jp2": saved(RGB, "JPEG2000"),
        "plain.avif": saved(RGB, "AVIF"),
    }


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a good PNG."""
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG whose sums are right, whatever its chunks hold."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


def many_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG that says its last scan again and again; without detail they are short."""
    whole = saved(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def safetensors(header: Any, body: bytes = b"", claimed: int | None = None) -> bytes:
    """A file of this header (JSON-ready, or its bytes), which may claim another length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if claimed is None else claimed
    return struct.pack("<Q", length % 2**64) + text + body


def npz() -> bytes:
    """Something else that is a zip."""
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def zeros(count: int) -> bytes:
    """So many zeros, packed."""
    packer = zlib.compressobj(9)
    block = bytes(10**6)
    return b"".join(packer.compress(block) for _ in range(count // 10**6)) + packer.flush()
