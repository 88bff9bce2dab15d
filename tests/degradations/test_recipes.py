"""The recipes: what they may draw, and what they leave out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from difface_cli.degradations import RECIPES, Ranges, celeba_test, training


def test_training_draws_stay_in_the_papers_ranges_and_fill_them() -> None:
    rng = np.random.default_rng(0)
    found = [training(rng) for _ in range(500)]
    for name, low, high in (
        ("sigma_x", 0.1, 15),
        ("sigma_y", 0.1, 15),
        ("scale", 0.8, 32),
        ("noise", 0, 20),
        ("quality", 30, 100),
    ):
        values = [getattr(d, name) for d in found]
        room = 0.03 * (high - low)
        assert low <= min(values) < low + room
        assert high - room < max(values) <= high


def test_half_of_the_training_blurs_are_isotropic() -> None:
    rng = np.random.default_rng(1)
    draws = [training(rng) for _ in range(400)]
    share = sum(d.sigma_x == d.sigma_y for d in draws) / len(draws)
    assert 0.4 < share < 0.6


def test_one_training_picture_in_a_hundred_is_grey() -> None:
    rng = np.random.default_rng(2)
    assert 10 < sum(training(rng).gray for _ in range(3000)) < 55


def test_the_grid_of_appendix_a() -> None:
    rng = np.random.default_rng(0)
    grid = [celeba_test(rng) for _ in range(500)]
    assert {d.scale for d in grid} == set(range(4, 41, 4))
    assert {d.sigma_x for d in grid} == {d.sigma_y for d in grid} == {4, 8, 12, 16}
    assert {d.angle for d in grid} == {0, math.pi / 4, math.pi / 2, math.pi * 3 / 4}
    assert {d.noise for d in grid} == {1, 5, 10, 15, 20}
    assert {d.quality for d in grid} == {30, 40, 50, 60, 70}
    assert len({(d.scale, d.noise, d.quality, d.sigma_x, d.angle) for d in grid}) > 400


@pytest.mark.parametrize(("name", "pixels"), [("bicubic-x8", 64), ("bicubic-x16", 32)])
def test_bicubic_is_nothing_but_bicubic(name: str, pixels: int) -> None:
    x = torch.rand(3, 512, 512)
    small = F.interpolate(x[None], (pixels, pixels), mode="bicubic", antialias=True)
    expected = F.interpolate(small.clamp(0, 1), (512, 512), mode="bicubic", antialias=True)
    y = RECIPES[name](np.random.default_rng(0))(x)
    torch.testing.assert_close(y, expected[0].clamp(0, 1))


def test_equal_ends_fix_a_value_and_others_still_vary() -> None:
    recipe = Ranges(sigma=(3, 3), scale=(8, 8), quality=None, isotropic=0, gray=1)
    found = [recipe(np.random.default_rng(seed)) for seed in range(20)]
    assert {(d.sigma_x, d.sigma_y, d.scale, d.quality, d.gray) for d in found} == {
        (3, 3, 8, None, True)
    }
    assert len({d.noise for d in found}) == len({d.angle for d in found}) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"sigma": (-1, 2)},
        {"scale": (0, 2)},
        {"scale": (4, 2)},
        {"noise": (float("nan"), 2)},
        {"noise": (0, float("inf"))},
        {"quality": (0, 50)},
        {"quality": (50, 101)},
        {"isotropic": 1.5},
        {"gray": -0.1},
        {"resample": "lanczos"},
    ],
)
def test_ranges_without_meaning_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|one of"):
        Ranges(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RECIPES)
def test_the_same_generator_gives_the_same_draw(name: str) -> None:
    a, b = (RECIPES[name](np.random.default_rng(7)) for _ in range(2))
    assert a == b
