"""N grows with what a face has lost, and is what the rule says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import skimage.data
import torch

from difface_cli.degradations import Degradation
from difface_cli.trust import auto_n

Floats = npt.NDArray[np.float32]


def portrait() -> Floats:
    return (skimage.data.astronaut()[:256:2, 140:396:2] / 255).astype(np.float32)


def degraded(blur: float, scale: float) -> Floats:
    x = torch.from_numpy(portrait()).permute(2, 0, 1)
    return Degradation(blur, blur, 0, scale, 0, None)(x).permute(1, 2, 0).numpy()


def test_the_rule_is_a_line_between_two_ends() -> None:
    middle = (auto_n.MILD + auto_n.HEAVY) / 2
    assert auto_n.n_of(0) == auto_n.n_of(auto_n.MILD) == auto_n.LEAST
    assert auto_n.n_of(auto_n.HEAVY) == auto_n.n_of(40) == auto_n.MOST
    assert auto_n.n_of(middle) == round((auto_n.LEAST + auto_n.MOST) / 2)


def test_a_face_that_lost_nothing_gets_the_smallest_and_worse_ones_more() -> None:
    worse = [degraded(blur, scale) for blur, scale in ((0, 1), (4, 4), (6, 12), (12, 32))]
    starts = [auto_n.start(face, portrait(), 999) for face in worse]
    assert starts[0].n == auto_n.LEAST
    assert [s.n for s in starts] == sorted(s.n for s in starts)
    assert starts[1].n < starts[2].n
    assert starts[-1].n == auto_n.MOST
    assert all(s.n == auto_n.n_of(s.width) for s in starts)


def test_no_n_is_above_what_the_prior_was_trained_for() -> None:
    assert auto_n.start(degraded(12, 32), portrait(), 300).n == 300
