"""The grain of a photo, measured beside a face and drawn again on it.

A restored face is smooth where the photo has grain or noise, and looks pasted in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from difface_cli.faces import bands

Floats = npt.NDArray[np.float32]

ROUNDS = 60


def lacking(photo: tuple[float, ...], face: tuple[float, ...]) -> tuple[float, ...]:
    """The standard deviation of the grain that a face lacks in each band, see `bands`."""
    return tuple(max(0.0, p * p - f * f) ** 0.5 for p, f in zip(photo, face, strict=True))


def grain(height: int, width: int, levels: tuple[float, ...], seed: int) -> Floats:
    """Random grain whose bands have these standard deviations.

    Args:
        levels: of each band, see `bands.noise_levels`: their ratio is the grain's fineness.
        seed: the same seed gives the same grain.

    Returns:
        height×width, mean near 0.
    """
    drawn = np.random.default_rng(seed).standard_normal((height, width), dtype=np.float32)
    parts, _ = bands.split(drawn)
    result = np.zeros((height, width), np.float32)
    for part, gain in zip(parts, gains(levels), strict=True):
        result += part * np.float32(gain)
    return result


def gains(levels: tuple[float, ...]) -> tuple[float, ...]:
    """How much of each band of white noise to take, so that the sum has these levels.

    Bands overlap, so each gain bears on its neighbours' levels. They are found by repeated
    correction; levels that no grain has (a band far above the next) are met on average.
    """
    wanted = np.array(levels)
    if not wanted.any():
        return (0.0,) * len(levels)
    transfers = bands.transfers()
    gain = wanted / np.sqrt((transfers**2).mean(axis=(1, 2)))
    for _ in range(ROUNDS):
        whole = np.tensordot(gain, transfers, 1)
        reached = np.sqrt(((transfers * whole) ** 2).mean(axis=(1, 2)))
        gain *= np.sqrt(wanted / reached)
    return tuple(gain.tolist())
