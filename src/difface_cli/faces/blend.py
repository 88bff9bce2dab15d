"""Faces mixed into a photo together: each pixel shared out among the masks that reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import cv2
import numpy as np

from difface_cli.faces.finish import Box, Finisher
from difface_cli.faces.resample import Array, Floats, Matrix, compose, translation, warp, white

BAND = 1 << 19  # pixels worked on at once
BORDER = 8  # power of a claim: the larger, the sharper the border between two faces


@dataclass(frozen=True, eq=False)
class Part:
    """A face made ready to be blended, no larger than it will show.

    Attributes:
        face, mask: what shows, and how much of it.
        matrix: from the canvas to these two.
        box: the pixels of the canvas that the mask can reach, x0, y0, x1, y1.
        white: the canvas's.
        finisher: adds to the face what its finish is, where it has one.
    """

    face: Floats
    mask: Floats
    matrix: Matrix
    box: Box
    white: int
    finisher: Finisher | None = None

    def seen(self, picture: Floats, top: int, bottom: int, *, smooth: bool = False) -> Floats:
        """One of its pictures in these rows of the box."""
        lookup = compose(self.matrix, translation(self.box[0], top))
        return warp(picture, lookup, bottom - top, self.box[2] - self.box[0], smooth=smooth)

    def drawn(self, top: int, bottom: int) -> Floats:
        """The face in these rows, in the canvas's units."""
        return self.seen(self.face, top, bottom, smooth=True) * self.white


def blend(canvas: Array, parts: Sequence[Part]) -> None:
    """Mix parts into the canvas, in place; their order does not matter, see `paste.paste_all`."""
    for group in _groups(sorted(parts, key=lambda part: tuple(part.matrix.flat))):
        _blend(canvas, group)


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts whose boxes touch, directly or by others, together."""
    groups: list[list[Part]] = []
    for part in parts:
        touched = [any(_overlap(part.box, other.box) for other in group) for group in groups]
        joined = chain.from_iterable(compress(groups, touched))
        groups = [*(g for g, t in zip(groups, touched, strict=True) if not t), [*joined, part]]
    return groups


def _overlap(a: Box, b: Box) -> bool:
    return max(a[0], b[0]) < min(a[2], b[2]) and max(a[1], b[1]) < min(a[3], b[3])


def _blend(canvas: Array, parts: Sequence[Part]) -> None:
    """Mix parts into the canvas, as much as their masks and shares say, in bands of rows."""
    boxes = np.array([part.box for part in parts])
    (left, first), (right, last) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    rows = max(1, BAND // (right - left))
    for top in range(first, last, rows):
        bottom = min(top + rows, last)
        region = canvas[top:bottom, left:right]
        mixed = np.zeros(region.shape, np.float32)
        shown = np.zeros((*region.shape[:2], 1), np.bool_)
        here = [
            (part, max(top, part.box[1]), min(bottom, part.box[3]))
            for part in parts
            if part.box[1] < bottom and part.box[3] > top
        ]
        places = [np.s_[a - top : b - top, p.box[0] - left : p.box[2] - left] for p, a, b in here]
        for (part, a, b), at, share in zip(here, places, _shares(here, places, shown), strict=True):
            weight = part.seen(part.mask, a, b)[..., None] * share
            added = part.drawn(a, b)
            if part.finisher is not None:
                added += part.finisher.adds(a, b)[..., None]
            added -= region[at]
            added *= weight
            mixed[at] += added
            shown[at] |= weight > 0
        mixed += region
        np.rint(mixed, out=mixed)
        mixed.clip(0, white(canvas), out=mixed)
        np.copyto(region, mixed, casting="unsafe", where=shown)


def _shares(
    parts: Sequence[tuple[Part, int, int]], places: Sequence[Any], like: Array
) -> list[Floats]:
    """How much of each pixel belongs to each part: together 1 wherever one has a claim.

    Args:
        parts: with the rows that are looked at.
        places: where these lie in the array that `like` has the shape of.
    """
    if len(parts) == 1:
        return [np.ones((1, 1, 1), np.float32)]
    claims = [part.seen(_claim(part.mask), a, b)[..., None] for part, a, b in parts]
    most, total = np.zeros((2, *like.shape), np.float32)
    for claim, at in zip(claims, places, strict=True):
        np.maximum(most[at], claim, out=most[at])
    for claim, at in zip(claims, places, strict=True):
        np.divide(claim, most[at], out=claim, where=claim > 0)
        claim **= BORDER
        total[at] += claim
    for claim, at in zip(claims, places, strict=True):
        np.divide(claim, total[at], out=claim, where=claim > 0)
    return claims


def _claim(mask: Floats) -> Floats:
    """What decides between faces: the mask, the larger the deeper within it, up to 1."""
    inside = cv2.copyMakeBorder((mask > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    # To 2 %, and always to the same bit, which OpenCV's precise distances are not.
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    return np.asarray(mask / mask.max() * (depth / depth.max()), np.float32)
