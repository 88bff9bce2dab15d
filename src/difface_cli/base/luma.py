"""Luma, the brightness of a colour as JPEG and television have it: ITU-R BT.601."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue; they add up to 1."""

_ROW = np.array(LUMA, np.float32)


def luma(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Of …×3 RGB in any scale: …×1 in the same."""
    plane: npt.NDArray[np.float32] = pixels.astype(np.float32, copy=False) @ _ROW
    return plane[..., None]


def without_colour(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The same picture without its colour: …×3, the luma in each channel."""
    return np.repeat(luma(pixels), 3, axis=-1)
