"""From restored faces back into the photo, in their own regions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from difface_cli.base.luma import luma, without_colour
from difface_cli.faces.align import crop, face_scale, invert
from difface_cli.faces.blend import Part, blend
from difface_cli.faces.finish import Box, Finish, Finisher
from difface_cli.faces.resample import (
    Array,
    Floats,
    Matrix,
    apply,
    compose,
    resizing,
    shrink,
    white,
)

# The face in units of the aligned square: the oval from hairline to chin is taken whole, and
# fades out through hair and neck. Chosen by eye on portraits.
CENTRE = (0.5, 0.53)
INNER = (0.29, 0.37)
OUTER = (0.42, 0.44)

LARGEST_SHIFT = 0.15
COLOUR_BLUR = 0.1  # of the side: coarse enough to carry colour and no features
COLOUR_SIDE = 64  # of the copy that is blurred: a blur of 6 pixels there loses nothing by it


@dataclass(frozen=True, eq=False)
class Layer:
    """A restored face, and how it is pasted.

    Attributes:
        restored: s×s×3 RGB in [0, 1].
        matrix: from canvas to aligned coordinates.
        mask: s×s in [0, 1], how much of `restored` shows; `face_mask` unless given.
        original_crop: s×s×3, what `restored` was made from, for the colour at the border; cut
            out of the canvas unless given.
        strength: 0 leaves the canvas as it is, 1 takes the restored face whole. On the way down
            to a half, the colour cast becomes the canvas's, see `keep_cast`.
        gray: whether the restored face loses its colour.
        finish: what is done to the face at the canvas's resolution.
    """

    restored: Floats
    matrix: Matrix
    mask: Floats | None = None
    original_crop: Floats | None = None
    strength: float = 1.0
    gray: bool = False
    finish: Finish | None = None


def paste(canvas: Array, restored: Floats, matrix: Matrix, **options: Any) -> None:
    """Blend one restored face into `canvas`, in place; the options are those of a `Layer`."""
    paste_all(canvas, [Layer(restored, matrix, **options)])


def paste_all(canvas: Array, layers: Sequence[Layer]) -> None:
    """Blend restored faces into `canvas`, in place; their order does not matter.

    Where masks overlap, a pixel belongs to the face that it lies deeper in, with a soft border
    between them: what a model draws around a face must not cover the face beside it. The result
    is the mean of what each face alone makes of the canvas, each counting by its share.

    Pixels where all masks are 0 keep their exact value. Memory does not grow with the canvas: the
    faces' regions are worked on in bands (with a finish, a few planes of them are held).

    Args:
        canvas: h×w×3 or h×w×1, uint8 or uint16; on one channel the faces' luma is pasted.
    """
    blend(canvas, [part for layer in layers if (part := _ready(canvas, layer))])


def _ready(canvas: Array, layer: Layer) -> Part | None:
    """The face with its colour matched, as the canvas is before anything is blended."""
    restored, matrix, strength = layer.restored, layer.matrix, layer.strength
    size = restored.shape[0]
    mask = face_mask(size) if layer.mask is None else layer.mask
    if strength <= 0 or not mask.any():
        return None
    x0, y0, x1, y1 = _region(mask, matrix, canvas.shape)
    if x0 >= x1 or y0 >= y1:
        return None
    original = layer.original_crop
    if original is None:
        original = crop(canvas, matrix, size)
    if layer.gray or canvas.shape[2] == 1:
        restored, original = without_colour(restored), without_colour(original)
    face = match_colour_at_border(restored, original, mask)
    if strength < 1:
        face = keep_cast(face, original, mask, share=min(1.0, 2 * (1 - strength)))
    pictures = face[..., : canvas.shape[2]], mask * np.float32(min(strength, 1))
    face, shown = (shrink(picture, 1 / face_scale(matrix)) for picture in pictures)
    to_small = compose(resizing(mask.shape, shown.shape), matrix)
    part = Part(face, shown, to_small, (x0, y0, x1, y1), white(canvas))
    return replace(part, finisher=_finisher(layer.finish, part, canvas))


@lru_cache(maxsize=8)
def face_mask(size: int) -> Floats:
    """A soft oval over an aligned face: 1 from hairline to chin, 0 well before the border.

    Returns:
        size×size float32 in [0, 1], read-only. To keep to a parsed face as well, take
        `np.minimum` of this and `parse.parse_mask`.
    """
    at = (np.arange(size) + 0.5) / size
    x, y = at[None, :] - CENTRE[0], at[:, None] - CENTRE[1]
    radius = np.hypot(x, y)
    # In each direction the fade runs from the inner to the outer ellipse.
    inner = radius / np.maximum(np.hypot(x / INNER[0], y / INNER[1]), 1e-9)
    outer = radius / np.maximum(np.hypot(x / OUTER[0], y / OUTER[1]), 1e-9)
    t = np.clip((outer - radius) / np.maximum(outer - inner, 1e-9), 0, 1)
    mask: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    mask.flags.writeable = False
    return mask


def match_colour_at_border(restored: Floats, original: Floats, mask: Floats) -> Floats:
    """Shift the colour of `restored` so that it meets `original` where the mask fades.

    The shift is the difference of the two, averaged over the ring where the mask is neither 0
    nor 1: the ring's near part for pixels close to it, all of it for those far inside. It is
    coarse, and at most 0.15, so that it moves a cast and no features.

    Args:
        restored: s×s×3 in [0, 1].
        original: s×s×3 in [0, 1].
        mask: s×s in [0, 1].

    Returns:
        s×s×3 float32 in [0, 1]; `restored` itself where the mask has no ring.
    """
    ring = (mask * (1 - mask))[..., None]
    total = ring.sum()
    if total <= 0:
        return restored
    difference = (original - restored) * ring
    mean = difference.sum(axis=(0, 1)) / total
    near, weight = _coarse(difference), _coarse(ring)
    trust = np.float32(0.1) * weight.max()
    shift = (near + trust * mean) / (weight + trust)
    matched: Floats = np.clip(restored + shift.clip(-LARGEST_SHIFT, LARGEST_SHIFT), 0, 1)
    return matched


def keep_cast(restored: Floats, original: Floats, mask: Floats, share: float) -> Floats:
    """Give the restored face the chroma of the original, as far as it is coarse.

    A network draws faces in the colours it knows, and a blend of two casts is a third. Brightness
    and what is finer, as lips and eyes, stay as they were drawn.

    Args:
        restored, original: s×s×3 in [0, 1].
        mask: s×s in [0, 1]: the chroma is averaged where the face shows.
        share: how much of the cast is changed, 0 to 1.

    Returns:
        s×s×3 float32 in [0, 1].
    """
    difference = original - restored
    chroma = (difference - luma(difference)) * mask[..., None]
    shift = (_coarse(chroma) / np.maximum(_coarse(mask), 1e-3)).clip(-LARGEST_SHIFT, LARGEST_SHIFT)
    kept: Floats = np.clip(restored + np.float32(share) * shift, 0, 1)
    return kept


def _coarse(picture: Floats) -> Floats:
    """What of s×s or s×s×c, with zeros around, is as coarse as a colour cast: s×s×c."""
    size = picture.shape[0]
    side = min(size, COLOUR_SIDE)
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), COLOUR_BLUR * side, borderType=cv2.BORDER_CONSTANT)
    coarse = cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(coarse, np.float32).reshape(size, size, -1)


def _finisher(finish: Finish | None, part: Part, canvas: Array) -> Finisher | None:
    if finish is None or finish == Finish():
        return None

    def seen(box: Box) -> Floats:
        x0, y0, x1, y1 = box
        return _plane(canvas[y0:y1, x0:x1])

    return Finisher(
        finish, part.box, canvas.shape, seen, lambda top, bottom: _plane(part.drawn(top, bottom))
    )


def _plane(pixels: Array) -> Floats:
    """The luma of h×w×3 or h×w×1 in one plane, in the units it had."""
    values = pixels.astype(np.float32, copy=False)
    return (values if pixels.shape[2] == 1 else luma(values))[..., 0]


def _region(mask: Floats, matrix: Matrix, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The box of the canvas that the mask's nonzero part can reach: x0, y0, x1, y1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    # One aligned pixel further, where linear interpolation ends, or one of the canvas.
    margin = 1 + face_scale(matrix)
    left, right = columns[0] - margin, columns[-1] + margin
    top, bottom = rows[0] - margin, rows[-1] + margin
    corners = apply(
        invert(matrix), np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
    )
    x0, y0 = np.floor(corners.min(axis=0)).clip(0).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 1
    return x0, y0, max(x0, min(x1, shape[1])), max(y0, min(y1, shape[0]))
