"""A picture in the making, and the faces pasted into it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from difface_cli.faces.align import invert
from difface_cli.faces.resample import Array, Matrix, apply, compose, resizing, shrink, translation
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance, feathered, toned
from difface_cli.training.scenes.disguises import disguised
from difface_cli.training.scenes.facefree import Mask
from difface_cli.training.scenes.poses import Pose

OPAQUE = 0.4  # of a mask, from which on it hides what is below
DISGUISED = 0.22  # share of the faces


@dataclass(eq=False)
class Pasted:
    """A face in a picture.

    Attributes:
        box: (4,), the whole face's, also where it reaches beyond the picture.
        landmarks: 5×2.
        hidden: share of the box that was pasted over since.
    """

    box: Matrix
    landmarks: Matrix
    hidden: float = 0.0

    @property
    def size(self) -> float:
        """The shorter side, pixels."""
        return float((self.box[2:] - self.box[:2]).min())

    @property
    def centre(self) -> Matrix:
        """(2,)."""
        return (self.box[:2] + self.box[2:]) / 2


class Canvas:
    """The picture so far; it keeps count of what hides which face."""

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels.copy()
        self.faces: list[Pasted] = []

    @property
    def side(self) -> int:
        """Pixels; canvases are square."""
        return int(self.pixels.shape[0])

    def blend(self, patch: Array, mask: Mask, x: int, y: int) -> None:
        """Lay a patch over the picture, its corner at (x, y), wholly inside."""
        height, width = mask.shape
        below = self.pixels[y : y + height, x : x + width].astype(np.float32)
        mixed = below + (patch - below) * mask[..., None]
        self.pixels[y : y + height, x : x + width] = mixed.astype(np.uint8)
        for face in self.faces:
            x0, y0 = np.maximum(np.floor(face.box[:2]) - (x, y), 0).astype(int)
            x1, y1 = np.maximum(np.ceil(face.box[2:]) - (x, y), 0).astype(int)
            area = float(np.prod(face.box[2:] - face.box[:2]))
            face.hidden += float((mask[y0:y1, x0:x1] > OPAQUE).sum()) / area

    def paste(
        self,
        rng: np.random.Generator,
        portrait: Portrait,
        pose: Pose,
        centre: tuple[float, float],
        *,
        whole: bool,
        other: Portrait,
    ) -> None:
        """Paste a portrait's face with its middle at `centre`.

        Args:
            whole: all of the portrait, not only head or shoulders.
            other: see `disguises.disguised`.
        """
        source = shrink(portrait.pixels, min(1.0, 1.3 * pose.scale))
        matrix = compose(
            pose.matrix(portrait, centre), invert(resizing(portrait.pixels.shape, source.shape))
        )
        ratio = source.shape[1] / portrait.pixels.shape[1]
        frame, mask = _framed(rng, portrait, source.shape, ratio, whole)
        corners = apply(matrix, frame[[[0, 1], [2, 1], [2, 3], [0, 3]]])
        x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, self.side).astype(int)
        x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, self.side).astype(int)
        if min(x1 - x0, y1 - y0) < 6:
            return
        here = compose(translation(-x0, -y0), matrix)
        size = (int(x1 - x0), int(y1 - y0))
        patch = cv2.warpAffine(source, here, size, borderMode=cv2.BORDER_REFLECT)
        mask = cv2.warpAffine(mask, here, size)
        if chance(rng, 0.7):
            patch = toned(patch, rng, 0.8)
        box, landmarks = pose.marks(portrait, centre)
        if chance(rng, DISGUISED):
            patch = disguised(rng, patch, landmarks - (x0, y0), other)
        self.blend(patch, mask, int(x0), int(y0))
        self.faces.append(Pasted(box, landmarks))


def _framed(
    rng: np.random.Generator,
    portrait: Portrait,
    shape: tuple[int, ...],
    ratio: float,
    whole: bool,
) -> tuple[Matrix, Mask]:
    """The part of a portrait that is pasted: its frame (4,), and its soft mask.

    Args:
        shape, ratio: of the portrait as it is pasted, and its side to the portrait's.
    """
    kind = rng.random()
    x0, y0, x1, y1 = portrait.box * ratio
    w, h = portrait.width * ratio, portrait.height * ratio
    if whole or kind < 0.35:  # all of it
        frame = np.array([0, 0, shape[1], shape[0]], float)
        edge = rng.uniform(0.01, 0.06)
    elif kind < 0.7:  # shoulders, and some of what is around
        grow = rng.uniform(0.04, [0.7, 0.5, 0.7, 0.8])
        frame = np.array([x0, y0, x1, y1]) + grow * (-w, -h, w, h)
        edge = rng.uniform(0.02, 0.15)
    else:  # the head
        half = rng.uniform(1.12, 1.6) * np.array([w, h]) * 0.57
        middle = np.array([x0 + x1, y0 + y1]) / 2
        frame = np.concatenate([middle - half, middle + half])
        edge = rng.uniform(0.03, 0.2)
    frame = np.clip(frame, 0, [shape[1], shape[0]] * 2)
    inset = edge * w / 2
    mask = np.zeros(shape[:2], np.float32)
    a, b, c, d = (int(v) for v in frame + np.array([1, 1, -1, -1]) * inset)
    if not whole and kind >= 0.7 and chance(rng, 0.7):
        axes = (max(1, (c - a) // 2), max(1, (d - b) // 2))
        cv2.ellipse(mask, ((a + c) // 2, (b + d) // 2), axes, 0, 0, 360, 1, cv2.FILLED)
    else:
        mask[b : max(b + 1, d), a : max(a + 1, c)] = 1
    return frame, feathered(mask, edge * w)
