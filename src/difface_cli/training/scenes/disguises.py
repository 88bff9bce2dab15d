"""Beards, dark glasses, hats, and things held before a face."""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.faces.resample import Array, Matrix
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance, feathered, resized
from difface_cli.training.scenes.facefree import Mask, material

SMALLEST = 5.0  # distance of the eyes, pixels, from which on one could tell


def disguised(rng: np.random.Generator, pixels: Array, landmarks: Matrix, other: Portrait) -> Array:
    """A face with one of them in front.

    Args:
        pixels: h×w×3 around a face.
        landmarks: 5×2 in these pixels.
        other: a portrait that what is in front may be made of.
    """
    apart = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    if apart < SMALLEST:
        return pixels
    mask = np.zeros(pixels.shape[:2], np.float32)
    (_beard, _glasses, _hat, _thing)[int(rng.integers(4))](rng, mask, landmarks, apart)
    mask = feathered(mask, apart * rng.uniform(0.05, 0.25)) * np.float32(rng.uniform(0.6, 1))
    height, width = max(8, pixels.shape[0] // 2), max(8, pixels.shape[1] // 2)
    if chance(rng, 0.5):
        front = material(rng, other, height, width)
    else:
        tone = rng.integers(15, 220) if chance(rng, 0.4) else rng.integers(10, 80)
        grain = rng.normal(tone, 12, (height, width, 1)).clip(0, 255).astype(np.uint8)
        front = np.repeat(grain, 3, axis=2)
    front = resized(front, pixels.shape[0], pixels.shape[1]).astype(np.float32)
    return np.asarray(pixels + (front - pixels) * mask[..., None]).astype(np.uint8)


def _beard(rng: np.random.Generator, mask: Mask, landmarks: Matrix, apart: float) -> None:
    up, mouth = _up(landmarks), landmarks[3:].mean(axis=0)
    if chance(rng, 0.6):
        centre = mouth - up * rng.uniform(0.15, 0.3)
        axes = (rng.uniform(0.5, 0.85) * apart, rng.uniform(0.3, 0.6) * apart)
        _ellipse(mask, centre, axes, _angle(landmarks))
    axes = (rng.uniform(0.35, 0.6) * apart, rng.uniform(0.08, 0.17) * apart)
    _ellipse(mask, mouth + up * 0.2, axes, _angle(landmarks))
    if chance(rng, 0.5):
        _ellipse(mask, mouth, (0.3 * apart, 0.08 * apart), _angle(landmarks), 0)


def _glasses(rng: np.random.Generator, mask: Mask, landmarks: Matrix, apart: float) -> None:
    axes = (rng.uniform(0.3, 0.42) * apart, rng.uniform(0.2, 0.34) * apart)
    for eye in landmarks[:2]:
        _ellipse(mask, eye, axes, _angle(landmarks))
    ends = [(round(float(x)), round(float(y))) for x, y in landmarks[:2]]
    cv2.line(mask, ends[0], ends[1], 1, max(1, int(apart * 0.07)))


def _hat(rng: np.random.Generator, mask: Mask, landmarks: Matrix, apart: float) -> None:
    brow = landmarks[:2].mean(axis=0) + _up(landmarks) * rng.uniform(1.1, 1.4)
    axes = (rng.uniform(1.2, 1.9) * apart, rng.uniform(0.5, 0.8) * apart)
    _ellipse(mask, brow, axes, _angle(landmarks))


def _thing(rng: np.random.Generator, mask: Mask, landmarks: Matrix, apart: float) -> None:
    centre = landmarks[3:].mean(axis=0) + rng.normal(0, 0.9, 2) * apart
    axes = (rng.uniform(0.3, 0.7) * apart, rng.uniform(0.3, 0.9) * apart)
    _ellipse(mask, centre, axes, rng.uniform(0, 180))


def _up(landmarks: Matrix) -> Matrix:
    """From the mouth to the eyes."""
    return np.asarray(landmarks[:2].mean(axis=0) - landmarks[3:].mean(axis=0))


def _angle(landmarks: Matrix) -> float:
    x, y = landmarks[1] - landmarks[0]
    return math.degrees(math.atan2(y, x))


def _ellipse(
    mask: Mask, centre: Matrix, axes: tuple[float, float], angle: float, value: float = 1
) -> None:
    at = (round(float(centre[0])), round(float(centre[1])))
    sizes = (max(1, int(axes[0])), max(1, int(axes[1])))
    cv2.ellipse(mask, at, sizes, angle, 0, 360, value, cv2.FILLED)
