"""Overlaps in closed form; one box a face."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.faces.boxes import Candidates, overlaps, suppress
from tests.faces.pictures import rotation

BIG = [0.0, 0.0, 100.0, 100.0]
INSIDE = [10.0, 10.0, 40.0, 40.0]  # a part of the same face
SHIFTED = [10.0, 0.0, 110.0, 100.0]
BESIDE = [90.0, 0.0, 190.0, 100.0]  # a neighbour, a tenth hidden


@pytest.mark.parametrize(
    ("other", "joint", "nested"),
    [
        (BIG, 1, 1),
        (INSIDE, 0.09, 1),
        (SHIFTED, 90 / 110, 0.9),
        (BESIDE, 10 / 190, 0.1),
        ([200, 200, 210, 210], 0, 0),
        ([50, 50, 50, 50], 0, 0),
    ],
)
def test_overlaps(other: list[float], joint: float, nested: float) -> None:
    assert overlaps(np.array(BIG), np.array(other)) == pytest.approx((joint, nested))


def kept(boxes: list[list[float]], scores: list[float], **options: float) -> list[int]:
    return suppress(np.array(boxes), np.array(scores), joint=0.4, **options)  # type: ignore[arg-type]


def test_one_face_found_three_times_counts_once() -> None:
    assert kept([INSIDE, SHIFTED, BIG], [0.9, 0.85, 0.95], nested=0.7) == [2]


def test_a_nested_box_goes_only_where_asked() -> None:
    assert kept([INSIDE, BIG], [0.9, 0.95]) == [1, 0]
    assert kept([INSIDE, BIG], [0.95, 0.9], nested=0.7) == [0]


def test_neighbours_stay() -> None:
    assert kept([BESIDE, BIG], [0.9, 0.95], nested=0.7) == [1, 0]


def test_what_a_suppressed_box_overlaps_stays() -> None:
    chain = [[0.0, 0.0, 10.0, 10.0], [4.0, 0.0, 14.0, 10.0], [8.0, 0.0, 18.0, 10.0]]
    assert kept(chain, [0.9, 0.8, 0.7]) == [0, 2]


def test_equal_scores_keep_one_order() -> None:
    boxes = [[50.0 * i, 0.0, 50.0 * i + 20, 20.0] for i in (3, 1, 2, 0)]
    assert kept(boxes, [0.9] * 4) == [3, 1, 2, 0]


def test_most_are_the_best() -> None:
    boxes = [[50.0 * i, 0.0, 50.0 * i + 20, 20.0] for i in range(4)]
    assert kept(boxes, [0.6, 0.9, 0.7, 0.8], most=2) == [1, 3]


def test_a_rotation_keeps_the_face_s_sides() -> None:
    found = Candidates(np.array([[10.0, 20.0, 30.0, 60.0]]), np.ones(1), np.zeros((1, 5, 2)))
    turned = found.mapped(rotation(2.0, 90, 0, 0))
    np.testing.assert_allclose(turned.boxes, [[-80 - 20, 40 - 40, -80 + 20, 40 + 40]], atol=1e-9)
