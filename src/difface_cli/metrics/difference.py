"""How far one picture is from another that it should equal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from difface_cli.images import Photo
from difface_cli.metrics.fidelity import LEVELS

BAND = 256  # rows worked on at once


@dataclass(frozen=True)
class Difference:
    """Of two pictures, over all pixels and channels.

    Attributes:
        largest, mean: absolute difference in grey levels of 255.
        psnr: dB; infinite for equal pictures.
    """

    largest: float
    mean: float
    psnr: float


def difference(a: Photo, b: Photo) -> Difference:
    """How far two pictures of one size are apart; alpha counts as a channel.

    Raises:
        ValueError: when they differ in size, channels or in having an alpha.
    """
    x, y = a.samples, b.samples
    if x.shape != y.shape:
        raise ValueError(f"{x.shape} and {y.shape} cannot be compared")
    # A band of rows at a time: a large photo needs no copy in floating point.
    largest, total, squares = 0.0, 0.0, 0.0
    for top in range(0, len(x), BAND):
        off = np.abs(x[top : top + BAND] * _scale(x) - y[top : top + BAND] * _scale(y))
        largest = max(largest, float(off.max()))
        total, squares = total + float(off.sum()), squares + float((off * off).sum())
    mean_square = squares / x.size
    psnr = 10 * math.log10(LEVELS**2 / mean_square) if mean_square else math.inf
    return Difference(largest, total / x.size, psnr)


def _scale(values: npt.NDArray[Any]) -> float:
    return LEVELS / float(np.iinfo(values.dtype).max)
