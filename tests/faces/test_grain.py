"""Grain has the levels that were asked for, and follows from its seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from difface_cli.faces import bands
from difface_cli.faces.grain import gains, grain, lacking


@pytest.mark.parametrize(("blur", "within"), [(0.0, 0.1), (0.8, 0.1), (1.5, 0.5)])
def test_grain_measured_and_drawn_again_has_the_same_levels(blur: float, within: float) -> None:
    film = np.random.default_rng(0).standard_normal((300, 300), dtype=np.float32) * 6
    film = cv2.GaussianBlur(film, (0, 0), blur) if blur else film
    levels = [float(band.std()) for band in bands.split(film)[0]]
    drawn = grain(300, 300, tuple(levels), seed=1)
    found = [float(band.std()) for band in bands.split(drawn)[0]]
    assert found == pytest.approx(levels, rel=within)
    assert abs(drawn.mean()) < 0.2


def test_the_same_seed_gives_the_same_grain_and_another_does_not() -> None:
    levels = (2.0, 1.0, 0.5)
    one, two, other = (grain(40, 50, levels, seed) for seed in (7, 7, 8))
    assert np.array_equal(one, two)
    assert not np.allclose(one, other)
    assert one.shape == (40, 50)


def test_no_levels_are_no_grain_and_a_face_with_enough_lacks_none() -> None:
    assert not grain(30, 30, (0.0, 0.0, 0.0), 1).any()
    assert gains((0.0, 0.0, 0.0)) == (0.0, 0.0, 0.0)
    assert lacking((5.0, 1.0, 2.0), (3.0, 4.0, 0.0)) == (4.0, 0.0, 2.0)
