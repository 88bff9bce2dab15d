from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from difface_cli import degradations
from difface_cli.degradations import Degradation, Wild, wild
from difface_cli.degradations.wild import SHARES, grain

CLEAN = Wild(Degradation(0, 0, 0, scale=8, noise=0, quality=None))  # 64 pixels stay 64
PICTURE = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_without_any_part_a_picture_stays() -> None:
    torch.testing.assert_close(CLEAN(CLEAN.toned(PICTURE)), PICTURE)


@pytest.mark.parametrize("part", ["grain", "sharpening", "halftone"])
def test_damage_is_not_in_the_truth(part: str) -> None:
    drawn = replace(CLEAN, **{part: 5.0})
    truth = drawn.toned(PICTURE)
    gray = degradations.luma(PICTURE).expand_as(PICTURE)
    torch.testing.assert_close(truth, gray if part == "halftone" else PICTURE)
    assert (drawn(truth) - truth).abs().mean() > 0.005


@pytest.mark.parametrize("part", ["sepia", "fading"])
def test_tone_is_the_photos_and_in_the_truth(part: str) -> None:
    drawn = replace(CLEAN, **{part: 1.0})
    truth = drawn.toned(PICTURE)
    assert (truth - PICTURE).abs().mean() > 0.05
    torch.testing.assert_close(drawn(truth), truth)


def test_grain_has_its_strength_whatever_its_size() -> None:
    flat = torch.full((3, 256, 256), 0.5)
    for size in (0.5, 1.5, 3.0):
        noise = grain(flat, 10, size, np.random.default_rng(0)) - flat
        assert noise.std() * 255 == pytest.approx(10, rel=0.1)
        torch.testing.assert_close(noise[0], noise[2])


def test_every_part_occurs_in_its_share_and_a_draw_repeats() -> None:
    draws = [wild(np.random.default_rng(i)) for i in range(2000)]
    again = sum(d.again is not None for d in draws) / len(draws)
    assert again == pytest.approx(SHARES["again"], abs=0.05)
    for part in ("sepia", "fading", "halftone", "grain", "sharpening"):
        assert sum(getattr(d, part) > 0 for d in draws) > 0
    assert draws[7] == wild(np.random.default_rng(7))
    torch.testing.assert_close(draws[7](PICTURE), draws[7](PICTURE), rtol=0, atol=0)
