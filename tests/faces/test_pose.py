"""Turn, share inside and shift against faces whose pose is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from difface_cli.faces import align, pose
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.paste import face_mask

# Eyes, nose and mouth of a head in the distances of its eyes: x to the right, y down, z towards
# the camera. The nose stands out by half.
HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.6, 0.5], [-0.4, 1.1, 0], [0.4, 1.1, 0]])


def seen(yaw: float, tilt: float = 0, size: float = 40) -> Any:
    """The head turned to the side, then tilted in the picture."""
    a, b = math.radians(yaw), math.radians(tilt)
    x = HEAD[:, 0] * math.cos(a) + HEAD[:, 2] * math.sin(a)
    points = np.column_stack([x, HEAD[:, 1]]) * size
    turn = np.array([[math.cos(b), -math.sin(b)], [math.sin(b), math.cos(b)]])
    return points @ turn.T + (100, 80)


@pytest.mark.parametrize("yaw", [-60, -30, 0, 15, 45, 70])
@pytest.mark.parametrize("tilt", [0, 30])
def test_turn_is_half_the_tangent_whatever_the_tilt(yaw: float, tilt: float) -> None:
    expected = abs(math.tan(math.radians(yaw))) / 2
    assert pose.turn(seen(yaw)) == pytest.approx(expected, abs=1e-9)
    # Tilted, the nose's way down the face must not count.
    assert pose.turn(seen(yaw, tilt)) == pytest.approx(expected, abs=1e-9)


def test_a_profile_is_turned_and_no_division_by_zero() -> None:
    profile = seen(90)
    assert pose.turn(profile) > 5
    assert pose.turn(np.zeros((5, 2))) == pose.FARTHEST


def square_at(x: float, y: float, side: float) -> Any:
    """From the photo to an aligned face of 64 pixels whose square lies there."""
    return align.similarity(FFHQ_TEMPLATE_512 * side / 512 + (x, y), 64)


def test_inside_is_the_share_of_the_mask_within_the_photo() -> None:
    mask = face_mask(64)
    everywhere = np.ones((64, 64), np.float32)
    assert pose.inside(square_at(10, 10, 64), 100, 100, mask) == 1
    assert pose.inside(square_at(500, 10, 64), 100, 100, mask) == 0
    assert pose.inside(square_at(-32, 0, 64), 64, 64, everywhere) == pytest.approx(0.5, abs=0.02)
    half_of_oval = pose.inside(square_at(-32, 0, 64), 64, 64, mask)
    assert half_of_oval == pytest.approx(0.5, abs=0.03)  # the oval is as wide left as right
    assert pose.inside(square_at(-12, 0, 64), 64, 64, mask) > 0.9


def test_inside_does_not_depend_on_the_faces_size() -> None:
    small, large = (
        pose.inside(square_at(-0.3 * side, 0, side), 500, 500, face_mask(64))
        for side in (40.0, 400.0)
    )
    assert small == pytest.approx(large, abs=0.03)


def test_shift_is_in_distances_of_the_eyes() -> None:
    before = seen(0, size=40)
    assert pose.shift(before, before) == 0
    assert pose.shift(before, before + np.array([3, 4])) == pytest.approx(5 / 40)
    one = before.copy()
    one[2] += (0, 20)
    assert pose.shift(before, one) == pytest.approx(20 / 40 / 5)
    assert pose.shift(np.zeros((5, 2)), before) == pose.FARTHEST
