"""A head that is turned takes its landmarks along, and its nose moves off the middle."""

from __future__ import annotations

import math

import numpy as np
import pytest

from difface_cli.faces import pose
from difface_cli.training.scenes.heads import turned
from tests.training.scenes.people import BOX, LANDMARKS, dots, dotted


@pytest.mark.parametrize("degrees", [-40, -15, 25])
def test_a_turned_head_takes_its_landmarks_along(degrees: float) -> None:
    before, after = dotted(), turned(dotted(), degrees)
    error = np.abs(dots(after.pixels) - after.landmarks)
    assert error[[0, 1, 3, 4]].max() < 1.5
    assert error[2].max() < 3  # a wide dot on a narrow ridge loses its far side
    nose = after.landmarks[2, 0] - before.landmarks[2, 0]
    assert nose * degrees > 0
    np.testing.assert_array_equal(after.landmarks[:, 1], LANDMARKS[:, 1])
    inside = (after.landmarks >= after.box[:2]) & (after.landmarks <= after.box[2:])
    assert inside.all()
    eyes = [p.landmarks[1, 0] - p.landmarks[0, 0] for p in (before, after)]
    assert 0.5 * eyes[0] < eyes[1] < eyes[0]


def test_no_turn_changes_nothing() -> None:
    after = turned(dotted(), 0)
    np.testing.assert_allclose(after.landmarks, LANDMARKS, atol=1e-3)
    np.testing.assert_allclose(after.box, BOX, atol=1e-3)
    assert np.abs(after.pixels.astype(int) - dotted().pixels).max() <= 2


@pytest.mark.parametrize("degrees", [-50, 20, 50])
def test_the_nose_moves_off_the_middle_as_a_head_s_does(degrees: float) -> None:
    """A nose stands about 0.45 of the eyes' distance before the plane of eyes and mouth."""
    expected = 0.45 * abs(math.tan(math.radians(degrees)))
    assert pose.turn(turned(dotted(), degrees).landmarks) == pytest.approx(expected, rel=0.3)


def test_left_and_right_are_alike() -> None:
    mirrored = dotted()
    mirrored.pixels[:] = mirrored.pixels[:, ::-1]
    right, left = turned(dotted(), 30), turned(dotted(), -30)
    assert not np.array_equal(right.pixels, left.pixels)
    shifted = right.landmarks[2, 0] - LANDMARKS[2, 0], left.landmarks[2, 0] - LANDMARKS[2, 0]
    assert shifted[0] == pytest.approx(-shifted[1], abs=1)
