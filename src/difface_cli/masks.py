"""Masks of holes, drawn as the paper's inpainting experiments draw them (section VII-A).

Training follows LaMa's configuration (Suvorov et al. 2022): strokes or boxes, as likely as each
other. Testing takes the paper's four types; it shows them (figure 11) without giving numbers, so
those here are ours, with RePaint's centre (Lugmayr et al. 2022) for `expand`. All lengths are given
for pictures of 256 pixels and grow with the picture's shorter side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

PAPER_SIZE = 256

Mask = npt.NDArray[np.bool_]  # h×w, True in the hole
Size = tuple[int, int]  # height, width
Draw = Callable[[np.random.Generator, Size], Mask]


def box(rng: np.random.Generator, size: Size) -> Mask:
    """One box, each side a quarter to a half of the picture's, anywhere in it."""
    mask = np.zeros(size, bool)
    mask[_interval(rng, size[0]), _interval(rng, size[1])] = True
    return mask


def irregular(rng: np.random.Generator, size: Size) -> Mask:
    """LaMa's strokes: 1 to 5 chains of up to 200 pixels a leg, up to 100 wide, at 256."""
    return _strokes(rng, size, chains=(1, 5), length=200, width=100)


def half(rng: np.random.Generator, size: Size) -> Mask:
    """The left, right, upper or lower half."""
    mask = np.zeros(size, bool)
    side = rng.integers(4)
    middle = size[side // 2] // 2
    part = slice(None, middle) if side % 2 else slice(middle, None)
    mask[(part,) if side < 2 else (slice(None), part)] = True
    return mask


def expand(rng: np.random.Generator, size: Size) -> Mask:
    """All but the centre, a quarter of each side as in RePaint; the generator is not used."""
    mask = np.ones(size, bool)
    height, width = size
    rows, columns = max(1, height // 4), max(1, width // 4)
    top, left = (height - rows) // 2, (width - columns) // 2
    mask[top : top + rows, left : left + columns] = False
    return mask


def lama(rng: np.random.Generator, size: Size) -> Mask:
    """LaMa's training mix: strokes or boxes, equally likely."""
    return irregular(rng, size) if rng.random() < 0.5 else boxes(rng, size)


def boxes(rng: np.random.Generator, size: Size) -> Mask:
    """LaMa's boxes: 1 to 3, of 30 to 150 pixels a side, 10 off the border, at 256."""
    mask = np.zeros(size, bool)
    relative = min(size) / PAPER_SIZE
    margin = round(10 * relative)
    for _ in range(rng.integers(1, 4)):
        cuts = []
        for length in size:
            room = max(1, length - 2 * margin)
            side = min(room, max(1, round(rng.uniform(30, 150) * relative)))
            start = margin + int(rng.integers(0, room - side + 1))
            cuts.append(slice(start, start + side))
        mask[tuple(cuts)] = True
    return mask


KINDS: Mapping[str, Draw] = MappingProxyType(
    {"box": box, "irregular": irregular, "half": half, "expand": expand, "lama": lama}
)
PAPER_TYPES = ("box", "irregular", "half", "expand")


def mixture(rng: np.random.Generator, size: Size, shares: Mapping[str, float]) -> Mask:
    """A mask of one kind out of `KINDS`, chosen with these shares."""
    names = list(shares)
    weights = np.array([shares[name] for name in names], float)
    return KINDS[str(rng.choice(names, p=weights / weights.sum()))](rng, size)


def _interval(rng: np.random.Generator, length: int) -> slice:
    side = max(1, round(length * rng.uniform(0.25, 0.5)))
    start = int(rng.integers(0, length - side + 1))
    return slice(start, start + side)


def _strokes(
    rng: np.random.Generator, size: Size, chains: tuple[int, int], length: float, width: float
) -> Mask:
    """Chains of thick legs with round joints, each leg turned against the last by up to 4 rad."""
    relative = min(size) / PAPER_SIZE
    canvas = Image.new("1", size[::-1])
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(chains[0], chains[1] + 1)):
        x, y = rng.uniform(0, size[1]), rng.uniform(0, size[0])
        for leg in range(rng.integers(1, 6)):
            turn = 0.01 + rng.uniform(0, 4)
            angle = 2 * math.pi - turn if leg % 2 == 0 else turn
            reach = (10 + rng.uniform(0, length)) * relative
            thick = max(1.0, (5 + rng.uniform(0, width)) * relative)
            end_x = float(np.clip(x + reach * math.sin(angle), 0, size[1]))
            end_y = float(np.clip(y + reach * math.cos(angle), 0, size[0]))
            draw.line([(x, y), (end_x, end_y)], fill=1, width=round(thick))
            for cx, cy in ((x, y), (end_x, end_y)):
                draw.circle((cx, cy), thick / 2, fill=1)
            x, y = end_x, end_y
    return np.array(canvas, bool)
