"""A distance is put into words, and only where it says something."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from difface_cli.faces.identity import SAME_PERSON
from difface_cli.trust import alike
from difface_cli.trust.alike import told


def test_two_good_photos_near_each_other_are_alike_and_far_ones_are_not() -> None:
    assert told(SAME_PERSON / 2, 0.5) == "as alike as two photos of one person"
    assert told(0.9, 0.5) == "no more alike than two strangers"


def test_nothing_is_told_of_a_face_too_degraded() -> None:
    assert {told(d, 15.0) for d in np.linspace(0, 1.5, 30)} == {"too degraded to tell"}


@pytest.mark.parametrize("severity", np.linspace(0, 14, 29))
def test_farther_is_never_called_more_alike(severity: float) -> None:
    order = [
        "as alike as two photos of one person",
        "as alike as so degraded a photo can be",
        "less alike than the true face would be",
        "no more alike than two strangers",
    ]
    words = [told(d, severity) for d in np.linspace(0, 1.2, 60)]
    if words[0] in order:
        places = [order.index(word) for word in words]
        assert places == sorted(places)


def test_the_more_degraded_the_farther_is_the_person_and_the_nearer_a_stranger() -> None:
    assert all(a < b for a, b in itertools.pairwise(alike.SEVERITIES))
    assert all(a <= b for a, b in itertools.pairwise(alike.SAME))
    assert len(alike.SAME) == len(alike.STRANGER) == len(alike.SEVERITIES)
