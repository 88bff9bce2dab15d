"""Which anchor answers for which face (Liu et al. 2016, section 2.2; Deng et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from difface_cli.training.scenes.collages import UNSURE

POSITIVE = 0.35  # IoU from which on an anchor answers for a face
BEST = 0.2  # IoU that is enough for the anchor nearest to a face
DOUBTFUL = 0.2  # IoU with an unsure face from which on an anchor learns nothing
NOTHING = 0


def match(boxes: Tensor, kinds: Tensor, centres: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """The face that each anchor answers for.

    Args:
        boxes: n×4 in pixels.
        kinds: n, see `scenes.collages`.
        centres, sides: A×2 and A×1, see `faces.anchors`.

    Returns:
        A: the face's kind, `NOTHING` where there is no face, `UNSURE` where nothing is learned;
        A: the face's number, 0 where there is none.
    """
    of_anchor = torch.full((len(centres),), NOTHING)
    if not len(boxes):
        return of_anchor, torch.zeros_like(of_anchor)
    share = overlap(boxes, torch.cat([centres - sides / 2, centres + sides / 2], dim=1))
    highest, face = share.max(dim=0)
    closest = share.max(dim=1)
    for number, (value, anchor) in enumerate(zip(*closest, strict=True)):
        if value > BEST:  # small faces, and those between two sizes, lie near no anchor
            highest[anchor], face[anchor] = 1.0, number
    positive = highest > POSITIVE
    of_anchor[positive] = kinds[face[positive]]
    unsure = share[kinds == UNSURE]
    if len(unsure):
        doubtful = unsure.max(dim=0).values > DOUBTFUL
        of_anchor[doubtful & (of_anchor == NOTHING)] = UNSURE
    return of_anchor, face


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Shared area over joint area of n×4 with m×4 boxes, n×m."""
    low = torch.maximum(one[:, None, :2], other[:, :2])
    shared = (torch.minimum(one[:, None, 2:], other[:, 2:]) - low).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (one, other)]
    joint: Tensor = areas[0][:, None] + areas[1] - shared
    return shared / joint
