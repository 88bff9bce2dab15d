"""Boxes and landmarks follow what the pixels do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from difface_cli.training.recipe import Scenes
from difface_cli.training.scenes import poses
from difface_cli.training.scenes.poses import Pose
from tests.training.scenes.people import BOX, DOTS, dots, dotted

CENTRE = (100.0, 90.0)


@pytest.mark.parametrize(
    "pose",
    [
        Pose(1.0),
        Pose(1.3, tilt=20),
        Pose(0.8, tilt=-60, aspect=1.1, shear=0.1),
        Pose(1.0, tilt=10, shear=-0.1),
    ],
)
def test_landmarks_are_where_the_pixels_went(pose: Pose) -> None:
    portrait = dotted()
    shown = cv2.warpAffine(portrait.pixels, pose.matrix(portrait, CENTRE), (200, 180))
    _, landmarks = pose.marks(portrait, CENTRE)
    np.testing.assert_allclose(dots(shown), landmarks, atol=0.6)


def test_a_mirror_swaps_left_and_right() -> None:
    portrait = dotted()
    pose = Pose(1.0, mirror=True)
    _, landmarks = pose.marks(portrait, CENTRE)
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    assert left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
    # The left eye as seen is now the pixels of what was the right one.
    shown = cv2.warpAffine(portrait.pixels, pose.matrix(portrait, CENTRE), (200, 180))
    x, y = np.rint(left_eye).astype(int)
    np.testing.assert_array_equal(shown[y, x], DOTS[1])


def test_the_box_holds_the_ellipse_and_no_more() -> None:
    portrait = dotted()
    pose = Pose(0.9, tilt=35, aspect=1.2, shear=0.15)
    t = np.linspace(0, 2 * np.pi, 3600)
    half = (BOX[2:] - BOX[:2]) / 2
    rim = (BOX[:2] + BOX[2:]) / 2 + half * np.column_stack([np.cos(t), np.sin(t)])
    matrix = pose.matrix(portrait, CENTRE)
    moved = rim @ matrix[:, :2].T + matrix[:, 2]
    box, _ = pose.marks(portrait, CENTRE)
    np.testing.assert_allclose(box, [*moved.min(axis=0), *moved.max(axis=0)], atol=1e-3)


def test_tilts_stay_in_the_recipe_s_range() -> None:
    rng = np.random.default_rng(0)
    scenes = Scenes(tilted=1.0, tilt=70)
    tilts = [poses.draw(rng, 1.0, scenes, 0.5).tilt for _ in range(300)]
    assert 60 < max(tilts) <= 70 and -70 <= min(tilts) < -60
    usual = [poses.draw(rng, 1.0, Scenes(tilted=0.0), 0.5).tilt for _ in range(300)]
    assert max(map(abs, usual)) <= 25
