"""The chosen sample is pasted, comes first, and is what its own seed gives alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from difface_cli.faces.likeness import Likeness
from tests.tasks.test_restore import QUICK, TWO, photo, ready, restore


def test_one_photo_comes_of_several_samples() -> None:
    before = photo()
    all_three = restore(before, ready(TWO), replace(QUICK, samples=3))
    kept = restore(before, ready(TWO), replace(QUICK, samples=3, choose="sharpness"))
    assert len(kept.photos) == 1
    for found, every, crops, drawn in zip(
        kept.faces, all_three.faces, kept.crops, all_three.crops, strict=True
    ):
        choice = found.choice
        assert choice is not None
        assert choice.scores[choice.sample] == max(choice.scores)
        assert len(choice.scores) == 3
        assert found.seeds[0] == every.seeds[choice.sample]
        assert set(found.seeds) == set(every.seeds)
        assert np.array_equal(crops.restored[0], drawn.restored[choice.sample])
        assert len(crops.restored) == 3


def test_identity_keeps_the_sample_that_the_likeness_prefers() -> None:
    def embed(face: Any) -> Any:
        return np.array([face.mean() / 255], np.float32)

    model = replace(ready(TWO), likeness=Likeness(embed, (np.array([-1], np.float32),)))
    kept = restore(photo(), model, replace(QUICK, samples=4, choose="identity"))
    for crops in kept.crops:  # the darkest is the most like a person of -1
        assert crops.restored[0].mean() == min(sample.mean() for sample in crops.restored)
    assert "judge" in kept.seconds
