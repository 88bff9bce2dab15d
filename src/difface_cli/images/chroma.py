"""Luma and chroma: a photo without its colour, and another colour given to it.

Luma is BT.601's weighted sum of red, green and blue, as in JPEG; chroma is what a pixel differs
from its own grey by, so its luma is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from difface_cli.base.luma import luma
from difface_cli.images.photo import Photo, with_pixels

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

BAND = 1 << 19  # pixels worked on at once

NEARLY_HALF = 0.45

BLOCK = 16
TONES = 16
TONE_TOLERANCE = 20.0
TONE_EXCEPTIONS = 0.02


def desaturated(photo: Photo) -> Photo:
    """The photo in one channel, its luma rounded to its own depth; itself if it is so already."""
    if photo.is_gray_file:
        return photo
    gray = np.empty((photo.height, photo.width, 1), photo.pixels.dtype)
    for rows in _bands(gray):
        gray[rows] = np.rint(luma(photo.pixels[rows]))
    return with_pixels(photo, gray)


def recoloured(gray: Floats, chroma: Floats) -> Floats:
    """gray + k·chroma, with the largest k up to 1 that leaves no channel outside [0, 1].

    A colour too strong for its brightness is made paler, not clipped: clipping would change the
    luma and the hue.

    Args:
        gray: …×1 in [0, 1].
        chroma: …×3, of luma 0.

    Returns:
        …×3 in [0, 1], its luma is `gray`.
    """
    room = np.where(chroma > 0, 1 - gray, gray)
    reach = np.abs(chroma)
    k = np.divide(room, reach, out=np.ones_like(reach), where=reach > room)
    coloured: Floats = (gray + k.min(axis=-1, keepdims=True) * chroma).clip(0, 1)
    return coloured


def with_chroma_of(gray: Photo, coloured: Array) -> Photo:
    """The grey photo with the chroma of other pixels: rounded, its luma is that of `gray`.

    Where `coloured` is grey the result is `gray`, bit for bit.

    Args:
        gray: of one channel.
        coloured: h×w×3 in its size and dtype.
    """
    pixels = np.empty_like(coloured)
    white = np.float32(np.iinfo(coloured.dtype).max)
    for rows in _bands(coloured):
        part, y = coloured[rows].astype(np.float32), gray.pixels[rows].astype(np.float32)
        rounded = np.rint(recoloured(y / white, (part - luma(part)) / white) * white)
        # All three may round the same way by a half, and would take the luma to the next level.
        error = luma(rounded) - y
        rounded[..., :1] -= np.sign(error) * (np.abs(error) > NEARLY_HALF)
        pixels[rows] = rounded
    return with_pixels(gray, pixels)


def is_toned(photo: Photo) -> bool:
    """Whether all colour follows from brightness, as in sepia prints, cyanotypes and grey photos.

    The mean chroma of 16×16 blocks is compared with that of all blocks about as bright. It may
    spread by 20 levels of 8 bits, as stains and uneven fading do; one block in 50 by more.
    """
    if photo.is_gray_file:
        return True
    block = min(BLOCK, photo.height, photo.width)
    rows, columns = photo.height // block, photo.width // block
    tiles = photo.pixels[: rows * block, : columns * block]
    tiles = tiles.reshape(rows, block, columns, block, 3)
    means = tiles.mean(axis=(1, 3), dtype=np.float32).reshape(-1, 3)
    means *= 255 / np.float32(np.iinfo(photo.pixels.dtype).max)
    bright = luma(means)
    chroma = means - bright
    tone = np.minimum(bright[:, 0] * (TONES / 256), TONES - 1).astype(int)
    usual = np.array([np.median(chroma[tone == t], axis=0) for t in range(TONES) if t in tone])
    where = np.searchsorted(np.unique(tone), tone)
    spread = np.ptp(chroma - usual[where], axis=1)
    return float(np.mean(spread > TONE_TOLERANCE)) <= TONE_EXCEPTIONS


def _bands(pixels: Array) -> Iterator[slice]:
    step = max(1, BAND // pixels.shape[1])
    return (slice(top, top + step) for top in range(0, pixels.shape[0], step))
