"""Candidate faces as arrays, and which of them show the same face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from difface_cli.faces.resample import Matrix, apply


class Candidates(NamedTuple):
    """n things that may be faces, in the pixels of one picture."""

    boxes: Matrix
    """n×4 float64, x0, y0, x1, y1."""
    scores: Matrix
    """n, in [0, 1]."""
    landmarks: Matrix
    """n×5×2."""

    def take(self, which: Any) -> Candidates:
        """Those that a NumPy index chooses."""
        return Candidates(self.boxes[which], self.scores[which], self.landmarks[which])

    def mapped(self, matrix: Matrix) -> Candidates:
        """The same in a picture that `matrix` leads to.

        A rotation moves a box's centre and turns landmarks; the box itself stays along the axes
        with the sides of the face, as it does in the detector's own answers.
        """
        centre = apply(matrix, (self.boxes[..., :2] + self.boxes[..., 2:]) / 2)
        half = (self.boxes[..., 2:] - self.boxes[..., :2]) / 2 * np.hypot(*matrix[:, :2])
        boxes = np.concatenate([centre - half, centre + half], axis=-1)
        return Candidates(boxes, self.scores, apply(matrix, self.landmarks))

    @staticmethod
    def joined(parts: Sequence[Candidates]) -> Candidates:
        """All of them, in order."""
        if not parts:
            return Candidates(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))
        return Candidates(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def overlaps(one: Matrix, other: Matrix) -> tuple[Matrix, Matrix]:
    """How much boxes share, ...×4 with ...×4, broadcast.

    Returns:
        The shared area over the joint area, and over the smaller box's area; in [0, 1].
    """
    low = np.maximum(one[..., :2], other[..., :2])
    shared = (np.minimum(one[..., 2:], other[..., 2:]) - low).clip(0).prod(axis=-1)
    area = (one[..., 2:] - one[..., :2]).clip(0).prod(axis=-1)
    other_area = (other[..., 2:] - other[..., :2]).clip(0).prod(axis=-1)
    joint, smaller = area + other_area - shared, np.minimum(area, other_area)
    return shared / np.maximum(joint, 1e-12), shared / np.maximum(smaller, 1e-12)


def suppress(
    boxes: Matrix, scores: Matrix, *, joint: float, nested: float = 1.0, most: int | None = None
) -> list[int]:
    """Keep one box a face: the best, and of the others those that share little with a kept one.

    torchvision's nms knows nothing of nested boxes, and takes longer to import than torch.

    Args:
        boxes: n×4.
        scores: n.
        joint: boxes that share more of their joint area show one face.
        nested: boxes that share more of the smaller one's area show one face, such as a nose
            and mouth inside the face they belong to; 1 lets nested boxes stand.
        most: boxes kept.

    Returns:
        Indices of the boxes kept, best first; boxes of one score in the order of their corners.
    """
    order = np.lexsort((*boxes.T[::-1], -scores))
    kept: list[int] = []
    while len(order) and len(kept) != most:
        best, order = order[0], order[1:]
        kept.append(int(best))
        of_joint, of_smaller = overlaps(boxes[best], boxes[order])
        order = order[(of_joint <= joint) & (of_smaller <= nested)]
    return kept
