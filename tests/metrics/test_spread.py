"""What is added one by one comes out as if it had been held together."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.metrics.spread import Spread

FACES = np.random.default_rng(0).random((5, 16, 16, 3), dtype=np.float32)


def spread(count: int) -> Spread:
    made = Spread()
    for face in FACES[:count]:
        made.add(face)
    return made


def test_mean_and_deviation_are_numpys() -> None:
    made = spread(5)
    np.testing.assert_allclose(made.mean, FACES.mean(axis=0), atol=1e-6)
    expected = np.sqrt(FACES.var(axis=0, ddof=1).mean(axis=2))
    np.testing.assert_allclose(made.deviation, expected, atol=1e-6)


def test_the_level_is_weighted_and_in_grey_levels() -> None:
    made = Spread()
    for level in (0, 20):
        face = np.full((8, 8, 3), level / 255, np.float32)
        face[:, 4:] = 0.5
        made.add(face)
    weight = np.ones((8, 8), np.float32)
    deviation = 20 / 2**0.5
    assert made.level(weight) == pytest.approx(deviation / 2**0.5, rel=1e-5)
    weight[:, 4:] = 0
    assert made.level(weight) == pytest.approx(deviation, rel=1e-5)


def test_one_picture_does_not_vary() -> None:
    with pytest.raises(ValueError, match="1 pictures"):
        _ = spread(1).deviation
