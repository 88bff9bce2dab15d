"""What time, cameras and copies do to a picture: tone, blur, few pixels, noise, JPEG."""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.faces.resample import Array
from difface_cli.training.scenes.chance import chance, log_uniform, pick, toned

FEWEST = 5.0  # pixels that a worn face keeps across
WAYS_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
WAYS_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST, cv2.INTER_LINEAR)


def worn(
    pixels: Array, rng: np.random.Generator, *, largest: float, heavy: bool, gray: float
) -> tuple[Array, float]:
    """A worse picture of the same size.

    Args:
        largest: size of the largest face, pixels; 0 where there is none.
        heavy: lose most of the detail, as far as the largest face allows.
        gray: share of the pictures that lose their colour.

    Returns:
        The picture, and how many of its pixels stand for one pixel's worth of detail.
    """
    if chance(rng, 0.75):
        pixels = toned(pixels, rng)
    if chance(rng, gray):
        pixels = _faded(pixels, rng)
    pixels, loss = _blurred(pixels, rng, heavy)
    side = pixels.shape[0]
    if heavy or chance(rng, 0.4):
        most = 6.0 if chance(rng, 0.5) else 3.0
        if heavy:
            most = float(np.clip(largest / FEWEST / loss, 1.5, 16))
        factor = log_uniform(rng, most / 2.5 if heavy else 1, most)
        small = max(20, int(side / factor))
        pixels = cv2.resize(pixels, (small, small), interpolation=pick(rng, WAYS_DOWN))
        loss = math.hypot(loss, side / small)
    if chance(rng, 0.6 if heavy else 0.4):
        sigma = 28 * rng.random() ** 1.5
        pixels = _noisy(pixels, rng, sigma)
        loss *= 1 + sigma / 60
    if chance(rng, 0.55):
        pixels = _jpeg(pixels, int(rng.integers(20, 97)))
    if pixels.shape[0] != side:
        pixels = cv2.resize(pixels, (side, side), interpolation=pick(rng, WAYS_UP))
    return pixels, loss


def _faded(pixels: Array, rng: np.random.Generator) -> Array:
    """Black and white, or a brown print."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    tint = np.ones(3) if chance(rng, 0.6) else rng.uniform([1, 0.85, 0.6], [1.15, 1, 0.95])
    return np.asarray(np.clip(gray * tint, 0, 255), np.uint8)


def _blurred(pixels: Array, rng: np.random.Generator, heavy: bool) -> tuple[Array, float]:
    sigma = 4 * rng.random() ** 2
    if sigma < 0.3 or not chance(rng, 0.6 if heavy else 0.4):
        return pixels, 1.0
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma)), max(1.0, 1.3 * sigma)


def _noisy(pixels: Array, rng: np.random.Generator, sigma: float) -> Array:
    height, width = pixels.shape[:2]
    channels = 1 if chance(rng, 0.4) else 3
    noise = rng.standard_normal((height, width, channels), dtype=np.float32) * np.float32(sigma)
    return np.asarray(np.clip(pixels + noise, 0, 255), np.uint8)


def _jpeg(pixels: Array, quality: int) -> Array:
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])
