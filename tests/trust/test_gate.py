"""Each rule speaks on its own side of its limit, and gives its number."""

from __future__ import annotations

import math

import pytest

from difface_cli.trust import gate
from difface_cli.trust.gate import Limits

LIMITS = Limits(blur=3, turn=0.6, inside=0.5, shift=0.3, variation=20)


def test_a_face_from_the_front_within_the_photo_passes() -> None:
    assert gate.before(0.0, 1.0, LIMITS) == ""
    assert gate.before(0.6, 0.5, LIMITS) == ""


def test_turned_faces_and_cut_ones_are_left_alone() -> None:
    assert "75% of the eyes' distance" in gate.before(0.75, 1.0, LIMITS)
    assert "only 40% of it inside" in gate.before(0.0, 0.4, LIMITS)


def test_a_drawn_face_passes_with_all_or_few_measures() -> None:
    assert gate.after(3.0, 0.3, 20.0, LIMITS) == ""
    assert gate.after(12.0, None, None, LIMITS) == ""


@pytest.mark.parametrize(
    ("blur", "shift", "variation", "reason"),
    [
        (2.4, 0.0, 0.0, "blurred by 2.4 px"),
        (9.0, 0.45, 0.0, "by 45% of the eyes' distance"),
        (9.0, math.inf, 0.0, "no face was found"),
        (9.0, 0.0, 23.4, "differ by 23.4 grey levels"),
    ],
)
def test_what_speaks_against_a_drawn_face(
    blur: float, shift: float, variation: float, reason: str
) -> None:
    assert reason in gate.after(blur, shift, variation, LIMITS)
