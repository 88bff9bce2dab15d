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
    least = round(auto_n.LEAST * 400)
    assert auto_n.n_of(0, 400) == auto_n.n_of(auto_n.MILD, 400) == least
    assert auto_n.n_of(auto_n.HEAVY, 400) == auto_n.n_of(40, 400) == 400
    assert auto_n.n_of(middle, 400) == round((least + 400) / 2)
    assert auto_n.n_of(0, 3) == 1


def test_a_face_that_lost_nothing_gets_the_smallest_and_worse_ones_more() -> None:
    worse = [degraded(blur, scale) for blur, scale in ((0, 1), (4, 4), (6, 8), (12, 32))]
    starts = [auto_n.start(face, portrait(), 450) for face in worse]
    assert starts[0].n < 450 / 8
    assert [s.n for s in starts] == sorted(s.n for s in starts)
    assert starts[1].n < starts[2].n
    assert starts[-1].n == 450
    assert all(s.n == auto_n.n_of(s.severity.total, 450) for s in starts)


def test_noise_counts_as_blur_does() -> None:
    noisy = portrait() + np.random.default_rng(0).normal(0, 12 / 255, (128, 128, 3))
    found = auto_n.start(noisy.astype(np.float32), portrait(), 450)
    assert found.severity.width < 1
    assert found.n > auto_n.start(portrait(), portrait(), 450).n
