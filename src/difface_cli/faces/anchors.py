"""RetinaFace's anchors, and its answers relative to them (Deng et al. 2020; Liu et al. 2016).

All coordinates are pixels of the picture that the network sees, x before y.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

MIN_SIZES = ((16, 32), (64, 128), (256, 512))
"""facexlib's anchors: the sides of the two in each cell, for each of three levels."""
STEPS = (8, 16, 32)
"""Side of a level's cells."""
VARIANCE = (0.1, 0.2)
"""The units of offsets, as a share of the anchor's side, and of the sides' logarithms."""


@lru_cache(maxsize=16)
def anchors(
    height: int, width: int, min_sizes: Sequence[Sequence[int]], steps: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Centres (A×2) and sides (A×1) of the anchors, in the order of the answers.

    Each level has a cell of `step` pixels for every started `step` of the picture, and in each
    cell one square anchor of each of its sizes. Read-only: the result is shared.
    """
    centres, sides = [], []
    for sizes, step in zip(min_sizes, steps, strict=True):
        y = (torch.arange(-(-height // step)) + 0.5) * step
        x = (torch.arange(-(-width // step)) + 0.5) * step
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
        centres.append(grid.repeat_interleave(len(sizes), dim=0))
        sides.append(torch.tensor(sizes, dtype=torch.float32).repeat(len(grid))[:, None])
    return torch.cat(centres), torch.cat(sides)


def decode(
    offsets: Tensor, points: Tensor, centres: Tensor, sides: Tensor, variance: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Boxes and landmarks from what the network says of them.

    Args:
        offsets: ...×A×4: of the centre in units of the anchor, logarithms of the sides.
        points: ...×A×10: five landmarks from the anchor's centre, in units of the anchor.
        centres, sides: A×2 and A×1, as `anchors` gives them.
        variance: the units, see `VARIANCE`.

    Returns:
        ...×A×4 (x0, y0, x1, y1) and ...×A×5×2.
    """
    near, far = variance
    middle = centres + offsets[..., :2] * near * sides
    half = sides * torch.exp(offsets[..., 2:] * far) / 2
    landmarks = points.reshape(*points.shape[:-1], 5, 2) * near * sides[:, None] + centres[:, None]
    return torch.cat([middle - half, middle + half], dim=-1), landmarks


def encode(
    boxes: Tensor, landmarks: Tensor, centres: Tensor, sides: Tensor, variance: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """What the network should say of boxes and landmarks: undoes `decode`."""
    near, far = variance
    middle, extent = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    offsets = torch.cat([(middle - centres) / (near * sides), torch.log(extent / sides) / far], -1)
    points = (landmarks - centres[:, None]) / (near * sides[:, None])
    return offsets, points.flatten(-2)
