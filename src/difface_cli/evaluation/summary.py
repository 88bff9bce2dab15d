"""What many values say: mean and its interval, groups, and whether two series differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

DRAWS = 2000
FLIPS = 10_000
AT_ONCE = 2**20  # numbers drawn at a time
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
        p: share of signs of the differences whose mean is as far from 0 as theirs.
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
    either sign is as likely. All signs are tried for 13 pictures or fewer,
    and 10,000 draws of them for more.

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
    from scipy import stats

    if len(values) < 2:
        return np.nan, np.nan
    low, high = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=DRAWS,
        batch=_batch(values),
        confidence_level=LEVEL,
        method="percentile",
        rng=seed,
    ).confidence_interval
    return float(low), float(high)


def _chance(apart: Values, seed: int) -> float:
    from scipy import stats

    if len(apart) < 2:  # either sign is as far
        return 1.0
    test = stats.permutation_test(
        (apart,),
        np.mean,
        permutation_type="samples",  # of one series: its signs
        n_resamples=FLIPS,
        batch=_batch(apart),
        rng=seed,
    )
    return float(test.pvalue)


def _batch(values: Values) -> int:
    """Draws at a time, so that 4,000 values do not need 10,000 × 4,000 numbers at once."""
    return max(1, AT_ONCE // len(values))
