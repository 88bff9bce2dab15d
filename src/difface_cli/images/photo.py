"""The record of one picture and what is computed from its pixels alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from difface_cli.base.errors import UsageError

Array = npt.NDArray[Any]

MAX_PIXELS = 300_000_000
"""Largest picture that is read or made, in pixels: 0.9 GB of 8-bit RGB."""

MIN_SIDE = 16
"""Shortest side that is read, in pixels: nothing smaller shows a face."""

CHROMA_BLOCK = 16
CHROMA_TOLERANCE = 8.0
CHROMA_EXCEPTIONS = 0.0005


@dataclass(frozen=True, eq=False)
class Photo:
    """One picture as it is meant to be seen, and what its file said about it."""

    pixels: Array
    """h x w x 3 (RGB) or h x w x 1 (grey), uint8 or uint16 over its full range, upright."""
    alpha: Array | None = None
    """h x w opacity in the dtype of `pixels`, not multiplied into them; None when opaque."""
    icc: bytes | None = None
    """ICC profile the pixels are in; None means sRGB."""
    exif: bytes | None = None
    """EXIF as a TIFF block (no "Exif" mark in front), its orientation 1."""
    format: str = "PNG"
    """Pillow's name of the source's format: JPEG, PNG, WEBP, TIFF, BMP, ..."""
    dpi: tuple[float, float] | None = None
    """Dots per inch across and down, when the file gives them."""

    def __post_init__(self) -> None:
        """Refuse arrays of another form with a ValueError: they are a caller's mistake."""
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3):
            raise ValueError(f"pixels must be h x w x 1 or 3, not {self.pixels.shape}")
        if self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels must be uint8 or uint16, not {self.pixels.dtype}")
        if self.alpha is None:
            return
        if self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != self.pixels.dtype:
            raise ValueError(
                f"alpha is {self.alpha.shape} {self.alpha.dtype}, "
                f"pixels are {self.pixels.shape} {self.pixels.dtype}"
            )

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def depth(self) -> Literal[8, 16]:
        """Bits per sample."""
        return 8 if self.pixels.dtype == np.uint8 else 16

    @property
    def samples(self) -> Array:
        """h x w x (1 to 4): the pixels, and the alpha as the last channel where there is one."""
        if self.alpha is None:
            return self.pixels
        return np.concatenate([self.pixels, self.alpha[..., None]], axis=2)

    @property
    def is_gray_file(self) -> bool:
        """Whether the picture has one channel (for what it looks like, see `is_gray`)."""
        return int(self.pixels.shape[2]) == 1


def to_depth8(samples: Array) -> npt.NDArray[np.uint8]:
    """Any uint8 or uint16 array on 0..255: 16-bit samples divided by 257 and rounded."""
    if samples.dtype == np.uint8:
        return samples
    # A table needs no wide copy of a large picture.
    table: npt.NDArray[np.uint8] = ((np.arange(65536) + 128) // 257).astype(np.uint8)
    return table[samples]


def rgb8(photo: Photo) -> npt.NDArray[np.uint8]:
    """The pixels as a new or shared h x w x 3 uint8 array; grey is repeated, alpha ignored."""
    pixels = to_depth8(photo.pixels)
    return np.repeat(pixels, 3, axis=2) if photo.is_gray_file else pixels


def with_pixels(
    photo: Photo, pixels: Array, alpha: Array | Literal["keep"] | None = "keep"
) -> Photo:
    """`photo` with other `pixels` and, unless it is to "keep" its own, another `alpha`.

    Raises ValueError when the two do not fit each other in size or depth.
    """
    return replace(photo, pixels=pixels, alpha=photo.alpha if isinstance(alpha, str) else alpha)


def is_gray(photo: Photo) -> bool:
    """Whether the picture shows no colour, in one channel or in three equal ones.

    Colour is the spread (largest less smallest channel, 8-bit levels) of the mean of each
    16 x 16 block: noise and chroma subsampling average out there, a tint does not. JPEG rounds
    a block's chroma to its quantiser, at quality 20 by up to 2.6 levels of Cb or Cr, which is
    4.6 levels of blue or red; the palest toned prints spread by 10 and more, sepia by 20 to 60.
    The limit of 8 levels lies between. One block in 2000 may exceed it (a coloured speck on a
    scan), fewer than even a small face covers.
    """
    if photo.is_gray_file:
        return True
    block = min(CHROMA_BLOCK, photo.height, photo.width)
    rows, columns = photo.height // block, photo.width // block
    limit = CHROMA_TOLERANCE * (1 if photo.depth == 8 else 257) * block**2
    coloured, allowed = 0, CHROMA_EXCEPTIONS * rows * columns
    for row in range(rows):  # by bands, of which a photo in colour needs the first only
        band = photo.pixels[row * block : (row + 1) * block, : columns * block]
        sums = band.sum(axis=0, dtype=np.uint32).reshape(columns, block, 3).sum(axis=1)
        coloured += int(np.count_nonzero(np.ptp(sums, axis=1) > limit))
        if coloured > allowed:
            return False
    return True


def upscale(photo: Photo, factor: float) -> Photo:
    """`photo` enlarged `factor` times by Lanczos' filter, pixels and alpha at their own depth.

    A factor of 1 gives the very same photo. Raises UsageError when the result would exceed
    `MAX_PIXELS`, ValueError when the factor is not positive.
    """
    if factor <= 0:
        raise ValueError(f"factor must be positive, not {factor}")
    if factor == 1:
        return photo
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    if size[0] * size[1] > MAX_PIXELS:
        raise UsageError(
            f"Enlarging {photo.width}x{photo.height} pixels {factor:g} times gives "
            f"{size[0] * size[1] / 1e6:.0f} megapixels, more than {MAX_PIXELS // 1_000_000}.",
            hint="Use a smaller factor or a smaller photo.",
        )
    pixels = np.empty((size[1], size[0], photo.pixels.shape[2]), photo.pixels.dtype)
    for channel in range(pixels.shape[2]):
        pixels[..., channel] = _resize(photo.pixels[..., channel], size)
    alpha = None if photo.alpha is None else _resize(photo.alpha, size)
    return with_pixels(photo, pixels, alpha)


def _resize(plane: Array, size: tuple[int, int]) -> Array:
    """One h x w plane at `size` (width, height)."""
    if plane.dtype == np.uint8:
        image = Image.fromarray(np.ascontiguousarray(plane))
        return np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    # Pillow filters 16-bit samples only as floats, which hold them exactly.
    image = Image.fromarray(plane.astype(np.float32))
    wide = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    rounded: npt.NDArray[np.uint16] = np.clip(np.rint(wide), 0, 65535).astype(np.uint16)
    return rounded
