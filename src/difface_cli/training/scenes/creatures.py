"""Heads that are not people's: animals and cartoons, drawn by rule."""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.faces.resample import Array
from difface_cli.training.scenes.chance import chance, color, feathered
from difface_cli.training.scenes.textures import clouds

SMALLEST = 48  # pixels of a side: a smaller one could be anybody's face
Mask = Array  # h×w float32 in [0, 1]
Paint = tuple[int, ...]


def creature(rng: np.random.Generator, height: int, width: int) -> tuple[Array, Mask]:
    """Any of them, h×w×3, and where it is."""
    return (animal if chance(rng, 0.6) else cartoon)(rng, height, width)


def animal(rng: np.random.Generator, height: int, width: int) -> tuple[Array, Mask]:
    """A head with fur, ears on top, wide-set eyes and a muzzle: a cat's, dog's or bear's."""
    sheet = _Sheet(height, width)
    base = np.array([200, 170, 130]) * rng.uniform(0.15, 1.2) + rng.normal(0, 20, 3)
    fur = clouds(rng, height, width).astype(np.float32)
    sheet.pixels[:] = (base + (fur - fur.mean()) * rng.uniform(0.15, 0.7)).clip(0, 255)
    head = (rng.uniform(0.33, 0.45), rng.uniform(0.3, 0.4))
    middle = (0.5, rng.uniform(0.52, 0.6))
    sheet.reach(middle, head)
    ears, upright = rng.uniform(0.55, 0.85), chance(rng, 0.6)
    for side in (-1, 1):
        at = (middle[0] + side * head[0] * ears, middle[1] - head[1] * rng.uniform(0.8, 1))
        if upright:
            tip = (at[0] + side * rng.uniform(0, 0.1), at[1] - rng.uniform(0.1, 0.25))
            corners = [(at[0] - 0.12, at[1] + 0.08), tip, (at[0] + 0.12, at[1] + 0.08)]
            sheet.reach_polygon(corners)
        else:
            sheet.reach(at, (rng.uniform(0.08, 0.14), rng.uniform(0.1, 0.22)))
    eye, apart = rng.uniform(0.035, 0.075), head[0] * rng.uniform(0.4, 0.7)
    iris, slit = _paint(color(rng) * np.array([1, 0.9, 0.4])), chance(rng, 0.4)
    level = middle[1] - head[1] * rng.uniform(0.1, 0.35)
    for side in (-1, 1):
        at = (middle[0] + side * apart, level)
        sheet.ellipse(at, (eye * 1.2, eye * 1.05), (20, 18, 15))
        sheet.ellipse(at, (eye, eye * 0.9), iris)
        sheet.ellipse(at, (eye * (0.2 if slit else 0.6), eye * 0.8), (5, 5, 5))
        sheet.ellipse((at[0] - eye * 0.3, at[1] - eye * 0.3), (eye * 0.2,) * 2, (240, 240, 240))
    below = middle[1] + head[1] * rng.uniform(0.3, 0.5)
    muzzle = (head[0] * rng.uniform(0.35, 0.6), head[1] * rng.uniform(0.25, 0.5))
    if chance(rng, 0.7):
        sheet.ellipse((middle[0], below), muzzle, _paint(base * rng.uniform(1.1, 1.6)))
    nose = (middle[0], below - muzzle[1] * rng.uniform(0.4, 0.8))
    sheet.ellipse(nose, (eye * rng.uniform(0.8, 1.6), eye * rng.uniform(0.6, 1)), (30, 22, 25))
    for side in (-1, 1):
        end = (middle[0] + side * muzzle[0] * 0.6, below + muzzle[1] * 0.5)
        sheet.line((nose[0], nose[1] + eye), end, (35, 25, 25), 0.012)
        if upright:
            sheet.line((nose[0] + side * 0.05, below), (nose[0] + side * 0.4, below + 0.03),
                       (220, 220, 220), 0.004)  # fmt: skip
    return sheet.told(rng)


def cartoon(rng: np.random.Generator, height: int, width: int) -> tuple[Array, Mask]:
    """A flat head with a line around it, dots or discs for eyes, and a line for a mouth."""
    sheet = _Sheet(height, width)
    sheet.pixels[:] = color(rng)
    head, ink = (rng.uniform(0.32, 0.47), rng.uniform(0.34, 0.47)), _paint(color(rng) * 0.3)
    middle = (0.5, 0.5)
    sheet.reach(middle, head)
    stroke = rng.uniform(0.008, 0.03)
    sheet.ellipse(middle, (head[0] - stroke, head[1] - stroke), ink, stroke)
    eye, apart, level = rng.uniform(0.03, 0.12), rng.uniform(0.13, 0.2), rng.uniform(0.34, 0.48)
    discs = chance(rng, 0.6)
    look = rng.uniform(-0.3, 0.3, 2) * eye
    for side in (-1, 1):
        at = (0.5 + side * apart, level)
        if discs:
            sheet.ellipse(at, (eye, eye * rng.uniform(1, 1.4)), (250, 250, 250))
            sheet.ellipse(at, (eye, eye * 1.2), ink, stroke)
            sheet.ellipse((at[0] + look[0], at[1] + look[1]), (eye * 0.45,) * 2, (10, 10, 10))
        else:
            sheet.ellipse(at, (eye * 0.5, eye * rng.uniform(0.5, 1)), (10, 10, 10))
    if chance(rng, 0.5):
        sheet.ellipse((0.5, level + 0.13), (rng.uniform(0.015, 0.05),) * 2, ink)
    low, wide, bent = level + rng.uniform(0.2, 0.28), rng.uniform(0.08, 0.2), rng.uniform(-1, 1)
    sheet.arc((0.5, low), (wide, wide * abs(bent)), bent > 0, ink, stroke)
    return sheet.told(rng)


class _Sheet:
    """A picture drawn in shares of its sides, and the mask of what was reached."""

    def __init__(self, height: int, width: int) -> None:
        self.pixels = np.empty((height, width, 3), np.uint8)
        self.mask = np.zeros((height, width), np.float32)

    def reach(self, at: tuple[float, float], half: tuple[float, float]) -> None:
        cv2.ellipse(self.mask, self._at(at), self._half(half), 0, 0, 360, 1, cv2.FILLED)

    def reach_polygon(self, corners: list[tuple[float, float]]) -> None:
        cv2.fillPoly(self.mask, [np.array([self._at(corner) for corner in corners])], (1,))

    def ellipse(
        self, at: tuple[float, float], half: tuple[float, float], paint: Paint, stroke: float = 0
    ) -> None:
        thick = self._thick(stroke) if stroke else cv2.FILLED
        place, axes = self._at(at), self._half(half)
        cv2.ellipse(self.pixels, place, axes, 0, 0, 360, paint, thick, cv2.LINE_AA)

    def arc(
        self,
        at: tuple[float, float],
        half: tuple[float, float],
        up: bool,
        paint: Paint,
        stroke: float,
    ) -> None:
        start = 0 if up else 180
        cv2.ellipse(self.pixels, self._at(at), self._half(half), 0, start, start + 180, paint,
                    self._thick(stroke), cv2.LINE_AA)  # fmt: skip

    def line(
        self, start: tuple[float, float], end: tuple[float, float], paint: Paint, stroke: float
    ) -> None:
        thick = self._thick(stroke)
        cv2.line(self.pixels, self._at(start), self._at(end), paint, thick, cv2.LINE_AA)

    def told(self, rng: np.random.Generator) -> tuple[Array, Mask]:
        """Both, tilted a little."""
        height, width = self.mask.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 10)), 1)
        pixels, mask = (
            np.asarray(cv2.warpAffine(part, turn, (width, height), borderMode=border))
            for part, border in (
                (self.pixels, cv2.BORDER_REPLICATE),
                (self.mask, cv2.BORDER_CONSTANT),
            )
        )
        return pixels, feathered(mask, 2)

    def _at(self, at: tuple[float, float]) -> tuple[int, int]:
        height, width = self.mask.shape
        return int(at[0] * width), int(at[1] * height)

    def _half(self, half: tuple[float, float]) -> tuple[int, int]:
        height, width = self.mask.shape
        return max(1, math.ceil(half[0] * width)), max(1, math.ceil(half[1] * height))

    def _thick(self, share: float) -> int:
        return max(1, round(share * min(self.mask.shape)))


def _paint(values: Array) -> Paint:
    return tuple(int(v) for v in np.clip(values, 0, 255))
