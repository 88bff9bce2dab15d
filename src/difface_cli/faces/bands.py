"""A luma picture by octaves of fineness, and how much of each octave is noise.

Nothing is decimated, so a band does not depend on where a picture was cut (Starck & Murtagh 1994,
the à trous transform), and large regions can be worked on in pieces.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SIGMAS = (0.0, 0.7, 1.4, 2.8)  # pixels; a band holds what lies between two of these blurs
BANDS = len(SIGMAS) - 1
REACH = 12  # pixels around it that a band's value depends on
MAD = 0.6745  # median of a standard normal's absolute value
FREQUENCIES = 64  # along a side, that integrals over frequency are summed over


def split(luma: Floats) -> tuple[list[Floats], Floats]:
    """The bands of a picture h×w, finest first, and the blur that is left; their sum is it."""
    blurs = [luma, *(_blur(luma, sigma) for sigma in SIGMAS[1:])]
    return [fine - coarse for fine, coarse in pairwise(blurs)], blurs[-1]


def noise_levels(luma: Floats, where: npt.NDArray[np.bool_] | None = None) -> tuple[float, ...]:
    """The standard deviation of the noise in each band, in the picture's units.

    From the median absolute diagonal difference at each band's own scale (Donoho & Johnstone
    1994): edges and lines hardly touch it, and coarse noise, of film, or enlarged with the
    photo, shows in the coarse bands. The median is over pixels, so up to half of them may be
    anything.

    Args:
        luma: h×w.
        where: h×w, the pixels that are looked at; all unless given.
    """
    levels = []
    for band, sigma in enumerate(SIGMAS[:-1]):
        levels.append(noise(_blur(luma, sigma), where, 1 << band) * _white()[band])
    return tuple(levels)


def noise(luma: Floats, where: npt.NDArray[np.bool_] | None = None, step: int = 1) -> float:
    """The standard deviation of noise, were it white, by diagonal differences `step` pixels wide.

    Args and source: see `noise_levels`.
    """
    diagonal = np.abs(_diagonal(luma, step))
    if where is not None:
        diagonal = diagonal[where[: diagonal.shape[0], : diagonal.shape[1]]]
    return float(np.median(diagonal)) / MAD if diagonal.size else 0.0


@cache
def transfers() -> npt.NDArray[np.float64]:
    """What each band lets through of each frequency: BANDS×FREQUENCIES×FREQUENCIES."""
    f = np.fft.fftfreq(FREQUENCIES)
    radius = f[:, None] ** 2 + f[None, :] ** 2
    blurs = [np.exp(-2 * (math.pi * sigma) ** 2 * radius) for sigma in SIGMAS]
    return np.array([fine - coarse for fine, coarse in pairwise(blurs)])


@cache
def _white() -> tuple[float, ...]:
    """Of white noise: a band's standard deviation over that of its diagonal differences."""
    turns = 2 * math.pi * np.fft.fftfreq(FREQUENCIES)
    ratios = []
    for band, (sigma, transfer) in enumerate(zip(SIGMAS, transfers(), strict=False)):
        along = np.abs(1 - np.exp(1j * turns * 2**band)) / math.sqrt(2)
        blur = np.exp(-((turns * sigma) ** 2) / 2)
        diagonal = np.mean((along * blur) ** 2)  # of the two axes' product: its root's square
        ratios.append(float(np.sqrt(np.mean(transfer**2)) / diagonal))
    return tuple(ratios)


def _blur(luma: Floats, sigma: float) -> Floats:
    if sigma == 0:
        return luma
    side = 2 * round(4 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(luma, (side, side), sigma), np.float32)


def _diagonal(luma: Floats, step: int) -> Floats:
    """Differences along both diagonals of a square of `step` pixels: 0 on any edge along it."""
    rows = luma[step:] - luma[:-step]
    return np.asarray((rows[:, step:] - rows[:, :-step]) / 2, np.float32)
