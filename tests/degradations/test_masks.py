"""Masks: every kind at every size, and each against what it is defined to be."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.degradations import masks
from difface_cli.degradations.masks import KINDS, PAPER_TYPES, Size

SIZES = [(1, 1), (1, 40), (2, 2), (3, 5), (16, 16), (37, 64), (256, 256), (90, 300)]


def draws(kind: str, count: int, size: Size = (256, 256)) -> np.ndarray:
    return np.stack([KINDS[kind](np.random.default_rng(seed), size) for seed in range(count)])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_every_size_and_leaves_a_hole(kind: str, size: Size) -> None:
    for mask in draws(kind, 30, size):
        assert mask.shape == size
        assert mask.dtype == bool
        assert mask.any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_hole(kind: str) -> None:
    assert np.array_equal(draws(kind, 5), draws(kind, 5))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"expand"}))
def test_other_seeds_give_other_holes(kind: str) -> None:
    found = {mask.tobytes() for mask in draws(kind, 30, (64, 64))}
    assert len(found) == 4 if kind == "half" else len(found) > 25


def test_expand_keeps_the_centre_of_half_of_each_side() -> None:
    mask = masks.expand(np.random.default_rng(0), (256, 128))
    known = ~mask
    assert known[64:192, 32:96].all()
    assert known.sum() == 128 * 64


def test_a_half_is_exactly_half_and_straight() -> None:
    for mask in draws("half", 40, (64, 100)):
        assert mask.sum() == 64 * 50
        lines = mask.all(0) | ~mask.any(0), mask.all(1) | ~mask.any(1)
        assert any(line.all() for line in lines)
    odd = draws("half", 40, (65, 101))
    assert {int(mask.sum()) for mask in odd} == {33 * 101, 65 * 51}


def test_all_four_halves_come_equally_often() -> None:
    found = draws("half", 400, (8, 8))
    sides = [found[:, 0].all(1), found[:, -1].all(1), found[:, :, 0].all(1), found[:, :, -1].all(1)]
    for side in sides:
        assert 0.18 < side.mean() < 0.32


@pytest.mark.parametrize(("size", "margin"), [((256, 256), 10), ((512, 512), 20), ((256, 400), 10)])
def test_boxes_stay_off_the_border_and_reach_their_margin(size: Size, margin: int) -> None:
    found = draws("box", 200, size)
    assert not found[:, :margin].any()
    assert not found[:, -margin:].any()
    assert not found[:, :, :margin].any()
    assert not found[:, :, -margin:].any()
    reached = found.any(0)[margin:-margin, margin:-margin]
    assert reached.mean() > 0.95
    assert reached[0].any()
    assert reached[:, -1].any()


def test_a_box_has_the_published_sides() -> None:
    rectangles = []
    for mask in draws("box", 400):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        assert min(height, width) >= 30
        if mask.sum() == height * width:
            rectangles.append((height, width))
    assert len(rectangles) > 60  # a quarter of the masks are a single box
    assert np.max(rectangles) <= 150
    assert np.min(rectangles) < 45
    assert np.max(rectangles) > 135


def test_strokes_are_at_least_five_pixels_wide_and_blunt() -> None:
    """Eroding by four pixels leaves something of every stroke mask: none is a hairline."""
    for mask in draws("irregular", 60):
        eroded = mask[4:] & mask[:-4]
        assert (eroded[:, 4:] & eroded[:, :-4]).any()


@pytest.mark.parametrize("kind", ["box", "irregular", "lama"])
def test_holes_grow_with_the_picture(kind: str) -> None:
    """The same draws, twice the size: the same shares of the picture."""
    small, large = (draws(kind, 100, (n, n)).mean((1, 2)) for n in (256, 512))
    assert abs(small.mean() - large.mean()) < 0.03


@pytest.mark.parametrize(
    ("kind", "least", "mean", "most"),
    [
        ("box", 30 * 30 / 256**2, (0.2, 0.3), 0.8),
        ("irregular", 0.0005, (0.35, 0.55), 0.98),
        ("half", 0.5, (0.5, 0.5), 0.5),
        ("expand", 0.75, (0.75, 0.75), 0.75),
    ],
)
def test_shares_of_the_picture(
    kind: str, least: float, mean: tuple[float, float], most: float
) -> None:
    shares = draws(kind, 300).mean((1, 2))
    assert shares.min() >= least
    assert shares.max() <= most
    assert mean[0] <= shares.mean() <= mean[1]


def test_lama_draws_strokes_and_boxes_alike() -> None:
    """Boxes alone keep off the border; strokes rarely do."""
    border = draws("lama", 400)
    touches = border[:, [0, -1]].any((1, 2)) | border[:, :, [0, -1]].any((1, 2))
    assert 0.35 < touches.mean() < 0.6


def test_a_mixture_takes_kinds_by_their_shares() -> None:
    size = (64, 64)
    found = [
        masks.mixture(np.random.default_rng(i), size, {"half": 3, "expand": 1}) for i in range(400)
    ]
    assert 0.68 < np.mean([mask.mean() == 0.5 for mask in found]) < 0.82
    only = masks.mixture(np.random.default_rng(0), size, {"expand": 1, "box": 0})
    assert only.mean() == 0.75


def test_the_papers_types_are_kinds() -> None:
    assert set(PAPER_TYPES) < set(KINDS)
