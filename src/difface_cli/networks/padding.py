"""Fit a picture to the sizes a network can take."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend b×c×h×w on the right and below until `multiple` divides both sides.

    By reflection; by repetition where the picture is too small to be reflected.
    """
    height, width = x.shape[-2:]
    right, below = -width % multiple, -height % multiple
    if not right and not below:
        return x
    reflects = right < width and below < height
    return F.pad(x, (0, right, 0, below), mode="reflect" if reflects else "replicate")
