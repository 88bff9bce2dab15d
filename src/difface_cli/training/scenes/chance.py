"""Draws that every scene needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np

from difface_cli.faces.resample import Array

T = TypeVar("T")


def chance(rng: np.random.Generator, share: float) -> bool:
    """True in this share of the draws."""
    return bool(rng.random() < share)


def pick(rng: np.random.Generator, things: Sequence[T]) -> T:
    """One of them, each as likely."""
    return things[int(rng.integers(len(things)))]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A size: each octave from `low` to `high` is as likely."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def color(rng: np.random.Generator) -> Array:
    """Any colour, (3,) uint8."""
    return rng.integers(0, 256, 3).astype(np.uint8)


def toned(pixels: Array, rng: np.random.Generator, strength: float = 1.0) -> Array:
    """Another exposure: gamma, contrast, brightness and colour cast, none far from neutral."""
    gamma, contrast = np.exp(rng.normal(0, strength, 2) * (0.28, 0.2))
    lift = rng.normal(0, 0.07 * strength)
    curve = (np.linspace(0, 1, 256) ** gamma - 0.45) * contrast + 0.45 + lift
    gains = np.exp(rng.normal(0, 0.07 * strength, 3))
    table = np.clip(curve[:, None] * gains * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(pixels), table.reshape(256, 1, 3))


def resized(pixels: Array, height: int, width: int) -> Array:
    """The picture at this size, linear."""
    out: Array = cv2.resize(
        np.ascontiguousarray(pixels), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return out


def feathered(mask: Array, width: float) -> Array:
    """A mask whose edge fades over `width` pixels."""
    side = max(1, int(width))
    if side == 1:
        return mask
    return cv2.blur(mask, (side, side), borderType=cv2.BORDER_CONSTANT)
