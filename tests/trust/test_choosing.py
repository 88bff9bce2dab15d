"""The sample that is kept is the one that is right by the measure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
import torch

from difface_cli.degradations import Degradation
from difface_cli.faces.likeness import Likeness
from difface_cli.trust.choosing import choose

Floats = npt.NDArray[np.float32]
SIDE = 128


def portrait(row: int = 0, column: int = 140) -> Floats:
    picture = skimage.data.astronaut()[row : row + 2 * SIDE : 2, column : column + 2 * SIDE : 2]
    return (picture / 255).astype(np.float32)


def degraded(face: Floats) -> Floats:
    x = torch.from_numpy(face).permute(2, 0, 1)
    return Degradation(6, 6, 0, 12, 0, None)(x).permute(1, 2, 0).numpy()


def test_the_face_that_was_degraded_is_the_most_consistent() -> None:
    truth = portrait()
    shifted = np.roll(truth, 3, axis=1)
    other = portrait(row=200)
    choice = choose(degraded(truth), (other, shifted, truth), "consistency")
    assert choice.sample == 2
    assert choice.scores[2] > choice.scores[1] > choice.scores[0]


def test_the_sharpest_is_the_sharpest_and_of_equals_the_first_is_kept() -> None:
    sharp, soft = portrait(), degraded(portrait())
    assert choose(soft, (soft, sharp, sharp), "sharpness").sample == 1


def test_identity_asks_the_likeness_of_the_face_found() -> None:
    def embed(face: npt.NDArray[np.uint8]) -> Floats:
        vector = face.mean(axis=(0, 1)).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    red, green = (np.full((8, 8, 3), colour, np.float32) for colour in ([1, 0, 0], [0, 1, 0]))
    assert choose(red, (green, red), "identity", Likeness(embed)).sample == 1
    elsewhere = Likeness(embed, (np.array([0, 1, 0], np.float32),))
    choice = choose(red, (green, red), "identity", elsewhere)
    assert choice.sample == 0
    assert choice.scores == pytest.approx((1, 0))
    with pytest.raises(ValueError, match="identity"):
        choose(red, (green, red), "identity")
