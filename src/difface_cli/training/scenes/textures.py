"""Patterns that are no face, drawn by rule."""

from __future__ import annotations

import math
import string
from collections.abc import Callable

import cv2
import numpy as np

from difface_cli.faces.resample import Array
from difface_cli.training.scenes.chance import chance, color, log_uniform, pick, resized

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
Paint = tuple[int, ...]


def texture(rng: np.random.Generator, height: int, width: int) -> Array:
    """Any of the patterns, h×w×3."""
    drawn = pick(rng, PATTERNS)(rng, height, width)
    if chance(rng, 0.2):
        drawn = cv2.blur(drawn, (3, 3))
    return drawn


def clouds(rng: np.random.Generator, height: int, width: int) -> Array:
    """Noise in octaves between two colours: sky, stone, grass, cloth."""
    roughness = rng.uniform(0.35, 0.9)
    total = np.zeros((height, width), np.float32)
    weight, cells = 1.0, int(rng.integers(2, 7))
    while cells < max(height, width):
        # Cells need not be square: wood and grass are drawn out.
        grid = rng.standard_normal((cells, max(2, int(cells * rng.uniform(0.5, 2)))))
        layer = cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        total += weight * layer
        weight, cells = weight * roughness, cells * 2
    return _between(rng, 1 / (1 + np.exp(-total * rng.uniform(0.7, 3))))


def stripes(rng: np.random.Generator, height: int, width: int) -> Array:
    """Parallel bands, straight or wavy, sharp or soft; two of them cross to a weave."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    total = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle, period = rng.uniform(0, math.pi), log_uniform(rng, 3, 60)
        along = x * math.cos(angle) + y * math.sin(angle)
        across = y * math.cos(angle) - x * math.sin(angle)
        wave = rng.uniform(0, 0.3) * period * np.sin(across / log_uniform(rng, 5, 60))
        total += np.sin((along + wave) * (2 * math.pi / period))
    return _between(rng, np.clip(total * log_uniform(rng, 0.5, 8) / 2 + 0.5, 0, 1))


def bricks(rng: np.random.Generator, height: int, width: int) -> Array:
    """Rectangles of like colours with joints: walls, windows, tiles, books."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = color(rng)
    base, spread, joint = color(rng).astype(float), rng.uniform(0, 60), int(rng.integers(0, 4))
    rows = max(2, int(log_uniform(rng, 4, 40)))
    long = max(2, int(rows * rng.uniform(0.5, 3)))
    for row, y in enumerate(range(0, height, rows)):
        for x in range(-(row % 2) * long // 2, width, long):
            paint = _paint(np.clip(base + rng.normal(0, spread, 3), 0, 255))
            cv2.rectangle(
                picture, (x, y), (x + long - 1 - joint, y + rows - 1 - joint), paint, cv2.FILLED
            )
    return picture


def blobs(rng: np.random.Generator, height: int, width: int) -> Array:
    """Many ellipses: pebbles, leaves, crowds far away, buttons."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = color(rng)
    base, spread = color(rng).astype(float), rng.uniform(10, 70)
    size = log_uniform(rng, 2, max(3, min(height, width) / 3))
    for _ in range(int(min(150, height * width / size**2))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = tuple(max(1, int(size * rng.uniform(0.3, 1))) for _ in range(2))
        paint = _paint(np.clip(base + rng.normal(0, spread, 3), 0, 255))
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, paint, cv2.FILLED)
    return picture


def rings(rng: np.random.Generator, height: int, width: int) -> Array:
    """Discs with rims and marks: clocks, plates, wheels, lamps."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = color(rng)
    centre = (width // 2, height // 2)
    radius = max(2, int(min(height, width) * rng.uniform(0.3, 0.5)))
    for _ in range(int(rng.integers(1, 5))):
        thick = cv2.FILLED if chance(rng, 0.6) else max(1, radius // 8)
        cv2.circle(picture, centre, radius, _paint(color(rng)), thick)
        radius = max(1, int(radius * rng.uniform(0.4, 0.9)))
    for angle in rng.uniform(0, 2 * math.pi, int(rng.integers(0, 12))):
        end = (
            int(centre[0] + math.cos(angle) * width * 0.4),
            int(centre[1] + math.sin(angle) * height * 0.4),
        )
        cv2.line(picture, centre, end, _paint(color(rng)), max(1, min(height, width) // 30))
    return picture


def letters(rng: np.random.Generator, height: int, width: int) -> Array:
    """Print: few large letters or many small ones."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = color(rng)
    font, size = pick(rng, FONTS), log_uniform(rng, 8, max(9, min(height, width)))
    alphabet = list(string.ascii_letters + string.digits + "&@%?!")
    paint = _paint(color(rng))
    y = size * rng.uniform(0.7, 1.2)
    while y < height + size:
        text = "".join(rng.choice(alphabet, int(min(40, 2 + 2 * width / size))))
        thick = max(1, int(size * rng.uniform(0.03, 0.2)))
        start = (int(rng.uniform(-size, 0)), int(y))
        cv2.putText(picture, text, start, font, size / 25, paint, thick, cv2.LINE_AA)
        y += size * rng.uniform(1.1, 1.8)
    return picture


def plain(rng: np.random.Generator, height: int, width: int) -> Array:
    """One colour, or a slow change between two."""
    y, x = np.mgrid[0 : 1 : complex(height), 0 : 1 : complex(width)].astype(np.float32)
    angle = rng.uniform(0, math.pi / 2)
    return _between(rng, x * math.cos(angle) ** 2 + y * math.sin(angle) ** 2)


def grains(rng: np.random.Generator, height: int, width: int) -> Array:
    """Coarse random cells, smooth or in blocks."""
    side = int(rng.integers(2, 40))
    cells = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    if chance(rng, 0.5):
        return resized(cells, height, width)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST))


PATTERNS: tuple[Callable[[np.random.Generator, int, int], Array], ...] = (
    clouds, clouds, stripes, bricks, blobs, rings, letters, letters, plain, grains,
)  # fmt: skip


def _between(rng: np.random.Generator, share: Array) -> Array:
    one, other = color(rng).astype(np.float32), color(rng).astype(np.float32)
    return (one + (other - one) * share[..., None]).astype(np.uint8)


def _paint(values: Array) -> Paint:
    return tuple(int(v) for v in values)
