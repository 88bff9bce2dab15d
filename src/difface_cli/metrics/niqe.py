"""NIQE: how far a picture's statistics are from those of natural pictures, without a reference.

Mittal et al. 2013. Blocks of 96 pixels are described, at two scales, by asymmetric generalised
Gaussians fitted to the locally normalised luma and to products of its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from difface_cli.base.errors import WeightsInvalid
from difface_cli.base.luma import LUMA
from difface_cli.metrics.fidelity import LEVELS, Floats, Planes

BLOCK = 96
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
FEATURES = 36


@dataclass(frozen=True, eq=False)
class Natural:
    """What natural pictures look like, as the authors fitted it.

    Attributes:
        mean: 36. covariance: 36×36. window: 7×7, of the local normalisation.
    """

    mean: Planes
    covariance: Planes
    window: Planes


NAMES = ("mu_pris_param", "cov_pris_param", "gaussian_window")
"""Of the three in BasicSR's file, which holds the authors' own numbers."""


def natural(arrays: Mapping[str, Planes]) -> Natural:
    """The parameters of a published file.

    Raises:
        WeightsInvalid: when it holds something else.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != dict(zip(NAMES, ((1, FEATURES), (FEATURES, FEATURES), (7, 7)), strict=True)):
        raise WeightsInvalid(
            f"These are no parameters of NIQE: {str(shapes)[:200]}.", "Check the source."
        )
    mean, covariance, window = (np.asarray(arrays[name], np.float64) for name in NAMES)
    return Natural(mean[0], covariance, window)


def niqe(picture: Floats, natural: Natural) -> float | None:
    """NIQE of a picture: less is more natural; about 3 to 5 for good photos.

    Args:
        picture: h×w×3 in [0, 1].

    Returns:
        None for a picture of fewer than two blocks of 96×96 pixels.
    """
    luma = LEVELS * (picture.astype(np.float64) @ LUMA)
    rows, columns = luma.shape[0] // BLOCK, luma.shape[1] // BLOCK
    if rows * columns < 2:
        return None
    luma = luma[: rows * BLOCK, : columns * BLOCK]
    small = _halved(luma)
    pairs = zip(
        _described(luma, natural, BLOCK), _described(small, natural, BLOCK // 2), strict=True
    )
    blocks = np.array([[*large, *fine] for large, fine in pairs])
    blocks = blocks[np.isfinite(blocks).all(axis=1)]  # a flat block has no statistics
    if len(blocks) < 2:
        return None
    off = natural.mean - blocks.mean(axis=0)
    pooled = (natural.covariance + np.cov(blocks, rowvar=False)) / 2
    return float(np.sqrt(off @ np.linalg.pinv(pooled) @ off))


def _described(luma: Planes, natural: Natural, side: int) -> Iterator[list[float]]:
    """18 features of each block, from the left and then from the top."""
    mean = cv2.filter2D(luma, -1, natural.window, borderType=cv2.BORDER_REPLICATE)
    square = cv2.filter2D(luma * luma, -1, natural.window, borderType=cv2.BORDER_REPLICATE)
    normal = (luma - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    for x in range(0, luma.shape[1], side):
        for y in range(0, luma.shape[0], side):
            yield _features(normal[y : y + side, x : x + side])


def _features(block: Planes) -> list[float]:
    shape, left, right = _fitted(block)
    told = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = _fitted(block * np.roll(block, shift, axis=(0, 1)))
        mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape)
        told += [shape, mean, left, right]
    return told


def _fitted(values: Planes) -> tuple[float, float, float]:
    """Shape, left and right scale of an asymmetric generalised Gaussian, by its moments."""
    flat = values.ravel()
    negative, positive = flat[flat < 0], flat[flat > 0]
    if not len(negative) or not len(positive):
        return math.nan, math.nan, math.nan
    left, right = math.sqrt((negative**2).mean()), math.sqrt((positive**2).mean())
    ratio = left / right
    peaked = np.abs(flat).mean() ** 2 / (flat**2).mean()
    peaked *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, expected = _shapes()
    shape = float(shapes[np.argmin((expected - peaked) ** 2)])
    scale = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, left * scale, right * scale


@cache
def _shapes() -> tuple[Planes, Planes]:
    """Shapes from 0.2 to 10, and Γ(2/a)² / (Γ(1/a) Γ(3/a)) of each."""
    shapes = np.arange(0.2, 10.001, 0.001)
    told = [math.gamma(2 / a) ** 2 / (math.gamma(1 / a) * math.gamma(3 / a)) for a in shapes]
    return shapes, np.array(told)


def _halved(luma: Planes) -> Planes:
    """Half the size by MATLAB's bicubic filter, widened against aliasing, edges mirrored."""
    at = np.abs(np.arange(-3.5, 4) / 2)
    near, far = at <= 1, at > 1
    taps = near * (1.5 * at**3 - 2.5 * at**2 + 1)
    taps += far * (-0.5 * at**3 + 2.5 * at**2 - 4 * at + 2)
    taps /= taps.sum()
    wide = np.pad(luma, 4, mode="symmetric")
    soft = cv2.sepFilter2D(wide, -1, taps, taps, anchor=(3, 3))
    return np.asarray(soft[4:-4:2, 4:-4:2], np.float64)
