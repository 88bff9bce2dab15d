"""Heads of animals and cartoons: drawn from their generator alone, within their mask."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.training.scenes import creatures
from difface_cli.training.scenes.creatures import animal, cartoon


@pytest.mark.parametrize("draw", [animal, cartoon])
@pytest.mark.parametrize("shape", [(creatures.SMALLEST, 150), (120, 120)])
def test_a_head_fills_a_good_part_of_its_sheet(draw, shape) -> None:  # type: ignore[no-untyped-def]
    for seed in range(8):
        pixels, mask = draw(np.random.default_rng(seed), *shape)
        assert pixels.shape == (*shape, 3)
        assert pixels.dtype == np.uint8
        assert mask.shape == shape
        assert 0.2 < mask.mean() < 0.8
        inside = pixels[mask > 0.5].astype(int)
        assert np.ptp(inside, axis=0).max() > 60  # eyes are there, and differ from the head


def test_the_same_seed_draws_the_same_head_and_another_another() -> None:
    one, again, other = (
        creatures.creature(np.random.default_rng(seed), 64, 64)[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
