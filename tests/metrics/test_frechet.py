"""The Fréchet distance, against closed forms of Gaussians."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import linalg

from difface_cli.base.errors import UsageError
from difface_cli.metrics import frechet
from difface_cli.metrics.frechet import Gaussian, distance, fit

RNG = np.random.default_rng(0)
D = 24


def rotation() -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.qr(RNG.normal(size=(D, D)))[0])


def covariance(count: int = 200) -> npt.NDArray[np.float64]:
    return np.asarray(np.cov(RNG.normal(size=(count, D)) @ RNG.normal(size=(D, D)), rowvar=False))


def test_diagonal_covariances() -> None:
    s, t = RNG.random(D), RNG.random(D)
    mu, nu = RNG.normal(size=D), RNG.normal(size=D)
    expected = ((mu - nu) ** 2).sum() + ((np.sqrt(s) - np.sqrt(t)) ** 2).sum()
    assert distance(Gaussian(mu, np.diag(s)), Gaussian(nu, np.diag(t))) == pytest.approx(expected)


def test_commuting_covariances() -> None:
    s, t, q = RNG.random(D), RNG.random(D), rotation()
    a, b = Gaussian(np.zeros(D), (q * s) @ q.T), Gaussian(np.zeros(D), (q * t) @ q.T)
    assert distance(a, b) == pytest.approx(((np.sqrt(s) - np.sqrt(t)) ** 2).sum())


def test_any_covariances_as_by_the_matrix_root() -> None:
    a, b = Gaussian(RNG.normal(size=D), covariance()), Gaussian(RNG.normal(size=D), covariance())
    root = linalg.sqrtm(a.covariance @ b.covariance).real
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert distance(b, a) == pytest.approx(expected, rel=1e-9)


def test_a_set_is_not_apart_from_itself_even_when_it_is_small() -> None:
    few = fit(RNG.normal(size=(5, D)))  # of rank 4
    assert distance(few, few) == pytest.approx(0, abs=1e-6)


def test_a_shift_and_a_stretch() -> None:
    features = RNG.normal(size=(100, D))
    assert distance(fit(features), fit(features + 2)) == pytest.approx(4 * D)
    spread = np.trace(fit(features - features.mean(0)).covariance)
    twice = fit(2 * (features - features.mean(0)))
    assert distance(fit(features - features.mean(0)), twice) == pytest.approx(spread)


@pytest.mark.parametrize("count", [2, 63, 64, 65, 200])
def test_streaming_fits_as_numpy_does_far_from_zero_too(count: int) -> None:
    features = 1e6 + RNG.normal(size=(count, D))
    streamed = fit(iter(features))
    np.testing.assert_allclose(streamed.mean, features.mean(0), rtol=1e-12)
    np.testing.assert_allclose(streamed.covariance, np.cov(features, rowvar=False), atol=1e-7)
    assert streamed.count == count


def test_one_picture_has_no_covariance() -> None:
    for count in (0, 1):
        with pytest.raises(ValueError, match="no covariance"):
            fit(RNG.normal(size=(count, D)))


def test_a_file_gives_it_back_and_so_does_the_fields_own(tmp_path: Path) -> None:
    own = fit(RNG.normal(size=(50, D)))
    (tmp_path / "own.npz").write_bytes(frechet.dump(own))
    assert distance(frechet.load(tmp_path / "own.npz"), own) == pytest.approx(0, abs=1e-6)
    np.savez(tmp_path / "fid.npz", mu=own.mean, sigma=own.covariance)
    assert frechet.load(tmp_path / "fid.npz").count == 0


@pytest.mark.parametrize("content", ["absent", "text", "other", "shape", "nan"])
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stats.npz"
    mu, sigma = np.zeros(3), np.eye(3)
    if content == "text":
        path.write_text("no archive")
    elif content == "other":
        np.savez(path, mean=mu)
    elif content == "shape":
        np.savez(path, mu=mu, sigma=np.eye(4))
    elif content == "nan":
        np.savez(path, mu=mu * np.nan, sigma=sigma)
    with pytest.raises(UsageError, match=r"stats\.npz"):
        frechet.load(path)


def test_features_of_two_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        distance(Gaussian(np.zeros(2), np.eye(2)), Gaussian(np.zeros(3), np.eye(3)))
