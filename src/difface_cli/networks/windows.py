"""Windows of a picture's positions: cutting, joining, and who may attend to whom."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


# Cached tensors outlive the call that made them, and training cannot use inference tensors.
@lru_cache(maxsize=8)
@torch.inference_mode(False)
def relative_position_index(window: int, device: torch.device) -> Tensor:
    """Row of the bias table for each pair of positions in a window: (window², window²)."""
    grid = torch.stack(torch.meshgrid(*[torch.arange(window)] * 2, indexing="ij")).flatten(1)
    dy, dx = (grid[:, :, None] - grid[:, None, :]) + window - 1
    return (dy * (2 * window - 1) + dx).to(device)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def shift_mask(height: int, width: int, window: int, shift: int, device: torch.device) -> Tensor:
    """Keep positions apart that met only because the shift wrapped round the border.

    Returns:
        (windows, window², window²): 0 where attention is allowed, -100 where not.
    """

    def region(size: int) -> Tensor:
        index = torch.arange(size)
        return (index >= size - window).int() + (index >= size - shift).int()

    regions = 3 * region(height)[:, None] + region(width)[None, :]
    windows = to_windows(regions[None, :, :, None], window).squeeze(-1)
    differ = windows[:, None, :] != windows[:, :, None]
    return (differ * -100.0).to(device)


def to_windows(x: Tensor, window: int) -> Tensor:
    """b×h×w×c → (b·windows)×window²×c."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // window, window, w // window, window, c)
    return x.transpose(2, 3).reshape(-1, window * window, c)


def from_windows(x: Tensor, window: int, height: int, width: int) -> Tensor:
    """(b·windows)×window²×c → b×h×w×c."""
    x = x.reshape(-1, height // window, width // window, window, window, x.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, x.shape[-1])
