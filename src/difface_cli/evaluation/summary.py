"""What many values say: mean and its interval, groups, and whether two series differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

DRAWS = 2000
FLIPS = 10_000
EXACT = 12  # pairs whose 2^n signs are all tried
AT_ONCE = 2**22  # numbers drawn at a time
LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """The mean of some values with its confidence interval, both NaN for a single one or none."""

    count: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """The mean of b - a over the same pictures, its interval, and how likely chance is.

    Attributes:
        p: share of random signs of the differences whose mean is as far from 0 as theirs.
    """

    count: int
    mean: float
    low: float
    high: float
    p: float


def summarise(values: Sequence[float | None], seed: int = 0) -> Summary:
    """Mean and 95 % interval by the bootstrap (percentiles of 2000 resampled means).

    Args:
        values: None counts as not there.
        seed: of the draws: the same seed gives the same interval.
    """
    there = np.array([value for value in values if value is not None], np.float64)
    if not len(there):
        return Summary(0, np.nan, np.nan, np.nan)
    low, high = _interval(there, seed)
    return Summary(len(there), float(there.mean()), low, high)


def compare(
    a: Sequence[float | None], b: Sequence[float | None], seed: int = 0
) -> Difference | None:
    """Paired comparison of two series of values of the same pictures.

    The test flips the signs of the differences at random: if a and b differ by chance alone,
    either sign is as likely. All signs are tried for 12 pictures or fewer.

    Returns:
        None when no picture has both values.
    """
    both = [y - x for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    if not both:
        return None
    apart = np.array(both, np.float64)
    low, high = _interval(apart, seed)
    return Difference(len(apart), float(apart.mean()), low, high, _chance(apart, seed))


def _interval(values: Values, seed: int) -> tuple[float, float]:
    if len(values) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    means = [
        values[rng.integers(len(values), size=(rows, len(values)))].mean(axis=1)
        for rows in _portions(DRAWS, len(values))
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _chance(apart: Values, seed: int) -> float:
    n = len(apart)
    seen = abs(apart.mean()) * (1 - 1e-12)  # equal means may differ in their last bit
    if n <= EXACT:
        signs = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float((np.abs(((2 * signs - 1) * apart).mean(axis=1)) >= seen).mean())
    rng = np.random.default_rng(seed)
    extreme = sum(
        int(
            (np.abs(((2 * rng.integers(2, size=(rows, n)) - 1) * apart).mean(axis=1)) >= seen).sum()
        )
        for rows in _portions(FLIPS, n)
    )
    return (1 + extreme) / (1 + FLIPS)


def _portions(total: int, width: int) -> Iterator[int]:
    """Rows to draw at a time, so that 4,000 values do not need 2000 × 4000 numbers at once."""
    rows = max(1, AT_ONCE // max(1, width))
    while total > 0:
        yield min(rows, total)
        total -= rows
