"""Each rule speaks on its own side of its limit, and gives its number."""

from __future__ import annotations

import math

import pytest

from difface_cli.trust import gate
from difface_cli.trust.gate import Limits
from difface_cli.trust.severity import Severity

LIMITS = Limits(severity=3, size=1.2, turn=0.6, inside=0.5, shift=0.3, variation=20)


def test_a_face_from_the_front_within_the_photo_passes() -> None:
    assert gate.before(0.0, 1.0, LIMITS) == ""
    assert gate.before(0.6, 0.5, LIMITS) == ""


def test_turned_faces_and_cut_ones_are_left_alone() -> None:
    assert "75% of the eyes' distance" in gate.before(0.75, 1.0, LIMITS)
    assert "only 40% of it inside" in gate.before(0.0, 0.4, LIMITS)


def test_a_face_that_lost_little_is_left_alone() -> None:
    assert "blurred by 2.4 px" in gate.estimated(Severity(2.4, 1, 0), 256, LIMITS)
    assert gate.estimated(Severity(3.5, 1, 0), 256, LIMITS) == ""
    assert gate.estimated(Severity(2.4, 1, 6), 256, LIMITS) == "", "noise is to be taken away"


def test_a_small_face_is_judged_at_its_size_in_the_result() -> None:
    """Forty pixels hold no more than a scale of 12.8 leaves."""
    sharp = Severity(0, 512 / 40, 0)
    assert "40 pixels" in gate.estimated(sharp, 40, LIMITS)
    assert gate.estimated(sharp, 4 * 40, LIMITS) == "", "four times enlarged it is blurred"
    assert gate.estimated(Severity(12, 512 / 40, 0), 40, LIMITS) == ""


def test_a_drawn_face_passes_with_all_or_few_measures() -> None:
    assert gate.after(0.3, 20.0, LIMITS) == ""
    assert gate.after(None, None, LIMITS) == ""


@pytest.mark.parametrize(
    ("shift", "variation", "reason"),
    [
        (0.45, 0.0, "by 45% of the eyes' distance"),
        (math.inf, 0.0, "no face was found"),
        (0.0, 23.4, "differ by 23.4 grey levels"),
    ],
)
def test_what_speaks_against_a_drawn_face(shift: float, variation: float, reason: str) -> None:
    assert reason in gate.after(shift, variation, LIMITS)
