"""Pictures as NumPy has them, h×w×c, and as networks take them, b×c×h×w."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

CPU = torch.device("cpu")


def to_batch(pictures: Sequence[npt.NDArray[Any]], device: torch.device = CPU) -> Tensor:
    """Pictures of one shape, h×w×c in any scale, as b×c×h×w float32 on `device`.

    Contiguous, as other people's networks expect; small types become float32 on the device only.
    """
    batch = torch.from_numpy(np.stack(pictures)).to(device)
    return batch.permute(0, 3, 1, 2).contiguous().float()


def to_picture(face: Tensor) -> npt.NDArray[np.float32]:
    """c×h×w on any device → h×w×c, in the same scale."""
    return np.ascontiguousarray(face.permute(1, 2, 0).float().cpu().numpy())
