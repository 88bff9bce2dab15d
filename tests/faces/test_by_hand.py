"""Faces given by numbers lie where the numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.base.errors import FaceError
from difface_cli.faces.align import FFHQ_TEMPLATE_512, face_scale, similarity
from difface_cli.faces.by_hand import BOX, face_at, face_in_box


def test_a_box_is_where_a_detector_puts_it() -> None:
    """The box of an aligned face leads back to that face, upright and at its scale."""
    face = face_in_box(100, 50, 256 * BOX[0], 256 * BOX[1])
    matrix = similarity(face.landmarks, 512)
    assert face_scale(matrix) == pytest.approx(2)
    assert matrix[0, 1] == pytest.approx(0, abs=1e-9)
    assert face.landmarks[:, 0].mean() == pytest.approx(100 + 128 * BOX[0], abs=2)


def test_landmarks_and_box_agree() -> None:
    face = face_in_box(30, 40, 53, 72)
    again = face_at(face.landmarks)
    assert np.allclose(again.box, face.box, atol=0.5)
    assert np.array_equal(again.landmarks, face.landmarks)


def test_a_turned_face_keeps_its_landmarks() -> None:
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = FFHQ_TEMPLATE_512 @ turn.T
    matrix = similarity(face_at(points).landmarks, 512)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], FFHQ_TEMPLATE_512)


def test_landmarks_in_one_place_are_refused() -> None:
    with pytest.raises(FaceError):
        face_at([[5, 5]] * 5)
