"""How far two sets of pictures are apart: the Fréchet distance of Gaussians in a feature space.

Heusel et al. 2017. In the features of Inception it is FID; in others it is no FID, and must not be
called so.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from difface_cli.base.errors import UsageError

Features = npt.NDArray[np.float64]

BATCH = 64  # feature vectors that are counted in at a time


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The Gaussian fitted to the features of a set.

    Attributes:
        mean: d.
        covariance: d×d, of the sample (divided by count - 1).
        count: of pictures; 0 where a file does not tell it.
    """

    mean: Features
    covariance: Features
    count: int = 0


def fit(features: Iterable[npt.NDArray[np.floating]]) -> Gaussian:
    """The Gaussian of vectors that come one by one, in the memory of two d×d matrices.

    Raises:
        ValueError: for fewer than two.
    """
    origin: Features | None = None
    count, total, products = 0, np.zeros(()), np.zeros(())
    for batch in _batches(features):
        if origin is None:  # sums of what is far from 0 would cancel each other's digits
            origin = batch.mean(axis=0)
        off = batch - origin
        count += len(batch)
        total = total + off.sum(axis=0)
        products = products + off.T @ off
    if origin is None or count < 2:
        raise ValueError(f"{count} pictures have no covariance")
    shift = total / count
    covariance = (products - count * np.outer(shift, shift)) / (count - 1)
    return Gaussian(origin + shift, covariance, count)


def distance(a: Gaussian, b: Gaussian) -> float:
    """|μ_a - μ_b|² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½), the squared Fréchet distance.

    The trace of the root is that of (√Σ_a Σ_b √Σ_a)^½, which is symmetric: no imaginary parts can
    arise, and none are thrown away.

    Raises:
        ValueError: for features of different lengths.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"features of length {a.mean.size} and {b.mean.size}")
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    crossed = np.sqrt(np.linalg.eigvalsh(root @ b.covariance @ root).clip(0)).sum()
    apart = ((a.mean - b.mean) ** 2).sum()
    return float(apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * crossed)


def dump(gaussian: Gaussian) -> bytes:
    """A file of statistics as the field keeps them: an npz with "mu" and "sigma"."""
    file = io.BytesIO()
    np.savez(file, mu=gaussian.mean, sigma=gaussian.covariance, count=gaussian.count)
    return file.getvalue()


def load(path: Path) -> Gaussian:
    """The Gaussian of a dataset from an npz with "mu" (d) and "sigma" (d×d).

    Raises:
        UsageError: for a file that cannot be read, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            mean = np.asarray(file["mu"], np.float64)
            covariance = np.asarray(file["sigma"], np.float64)
            count = int(file["count"]) if "count" in file else 0
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist.", "Check its path.") from None
    except Exception as e:  # numpy and zipfile raise nearly anything on other files
        raise UsageError(
            f"{path} holds no statistics: {str(e)[:200]}.",
            'Give an npz with "mu" and "sigma", as --save-stats writes it.',
        ) from None
    whole = mean.ndim == 1 and covariance.shape == (mean.size, mean.size)
    if not whole or not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UsageError(
            f"{path} holds no statistics: mu is {mean.shape}, sigma {covariance.shape}.",
            "Both must be finite: a vector and a square matrix of its length.",
        )
    return Gaussian(mean, covariance, count)


def _batches(features: Iterable[npt.NDArray[np.floating]]) -> Iterable[Features]:
    rows: list[npt.NDArray[np.floating]] = []
    for row in features:
        rows.append(row)
        if len(rows) == BATCH:
            yield np.asarray(rows, np.float64)
            rows = []
    if rows:
        yield np.asarray(rows, np.float64)
