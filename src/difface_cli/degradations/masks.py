"""Masks of holes, drawn as the paper's inpainting experiments draw them (section VII-A).

Training follows LaMa's configuration for faces (Suvorov et al. 2022): strokes or boxes, as likely
as each other. Testing takes the paper's four types. Numbers are those of the published code, which
draws 1 to 4 boxes and, its upper bound counting itself, 1 to 6 chains of strokes. All lengths are
given for pictures of 256 pixels and grow with the picture's shorter side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

PAPER_SIZE = 256

Mask = npt.NDArray[np.bool_]  # h×w, True in the hole; no hole is empty
Size = tuple[int, int]  # height, width, each at least 1
Draw = Callable[[np.random.Generator, Size], Mask]


def box(rng: np.random.Generator, size: Size) -> Mask:
    """1 to 4 boxes of 30 to 150 pixels a side, at least 10 off the border, at 256."""
    mask = np.zeros(size, bool)
    relative = min(size) / PAPER_SIZE
    margin = round(10 * relative)
    for _ in range(rng.integers(1, 5)):
        sides = (_interval(rng, length, margin, relative) for length in size)
        mask[tuple(sides)] = True
    return mask


def irregular(rng: np.random.Generator, size: Size) -> Mask:
    """1 to 6 chains of 1 to 5 strokes, 10 to 209 pixels long and 5 to 104 wide, at 256."""
    relative = min(size) / PAPER_SIZE
    canvas = Image.new("1", size[::-1])
    draw = ImageDraw.Draw(canvas)
    for chain in range(rng.integers(1, 7)):
        x, y = (float(rng.uniform(0, length)) for length in size[::-1])
        for _ in range(rng.integers(1, 6)):
            # Four directions within one half plane; every second chain takes the other half.
            angle = (0.01 + rng.integers(4)) * (-1 if chain % 2 == 0 else 1)
            reach = (10 + rng.integers(200)) * relative
            width = max(1.0, (5 + rng.integers(100)) * relative)
            end_x = float(np.clip(x + reach * math.sin(angle), 0, size[1]))
            end_y = float(np.clip(y + reach * math.cos(angle), 0, size[0]))
            _stroke(draw, (x, y), (end_x, end_y), width)
            x, y = end_x, end_y
    return np.array(canvas, bool)


def half(rng: np.random.Generator, size: Size) -> Mask:
    """The left, right, upper or lower half, with the middle line of an odd size.

    The published code draws the right and the lower half alone.
    """
    mask = np.zeros(size, bool)
    axis, far = rng.integers(2), rng.integers(2)
    middle = size[axis] // 2
    part = slice(middle, None) if far else slice(None, size[axis] - middle)
    mask[(part,) if axis == 0 else (slice(None), part)] = True
    return mask


def expand(rng: np.random.Generator, size: Size) -> Mask:
    """All but the centre, half of each side; the generator is not used."""
    mask = np.ones(size, bool)
    rows, columns = (slice((n - n // 2) // 2, (n - n // 2) // 2 + n // 2) for n in size)
    mask[rows, columns] = False
    return mask


def outpaint(rng: np.random.Generator, size: Size) -> Mask:
    """A frame: each of one to four sides gone by 4 to 30 % of the picture (published code)."""
    mask = np.zeros(size, bool)
    gone = rng.random(4) < 0.5
    gone[rng.integers(4)] = True
    for side in np.flatnonzero(gone):
        length = size[side // 2]
        depth = max(1, round(length * rng.uniform(0.04, 0.30)))
        part = slice(None, depth) if side % 2 else slice(length - depth, None)
        mask[(part,) if side < 2 else (slice(None), part)] = True
    return mask


def lama(rng: np.random.Generator, size: Size) -> Mask:
    """LaMa's training mix: strokes or boxes, equally likely."""
    return irregular(rng, size) if rng.random() < 0.5 else box(rng, size)


KINDS: Mapping[str, Draw] = MappingProxyType(
    {
        "box": box,
        "irregular": irregular,
        "half": half,
        "expand": expand,
        "outpaint": outpaint,
        "lama": lama,
    }
)
PAPER_TYPES = ("box", "irregular", "half", "expand")


def mixture(rng: np.random.Generator, size: Size, shares: Mapping[str, float]) -> Mask:
    """A mask of one kind out of `KINDS`, chosen with these shares."""
    names = list(shares)
    weights = np.array([shares[name] for name in names], float)
    return KINDS[str(rng.choice(names, p=weights / weights.sum()))](rng, size)


def _interval(rng: np.random.Generator, length: int, margin: int, relative: float) -> slice:
    """One side of a box."""
    margin = min(margin, (length - 1) // 2)
    room = length - 2 * margin
    side = min(room, max(1, round(int(rng.integers(30, 151)) * relative)))
    start = margin + int(rng.integers(0, room - side + 1))
    return slice(start, start + side)


def _stroke(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], width: float
) -> None:
    """A thick line with round ends, of a pixel at least wherever it lies."""
    draw.line([start, end], fill=1, width=round(width))
    last = (draw.im.size[0] - 1, draw.im.size[1] - 1)
    for x, y in (start, end):
        draw.circle((x, y), width / 2, fill=1)
        draw.point((min(int(x), last[0]), min(int(y), last[1])), fill=1)
