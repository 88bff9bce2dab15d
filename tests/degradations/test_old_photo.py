"""What age does to simple pictures."""

from __future__ import annotations

import math

import pytest
import torch

from difface_cli.degradations import OldPhoto, luma
from difface_cli.degradations.old_photo import FADED, SEPIA, halftone


def flat(tone: float, size: int = 256) -> torch.Tensor:
    return torch.full((3, size, size), tone)


def noise(size: int = 64) -> torch.Tensor:
    return torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))


def test_the_default_leaves_a_picture_alone() -> None:
    assert torch.equal(OldPhoto(seed=3)(noise()), noise())


@pytest.mark.parametrize(
    "age", [{"scratches": 5}, {"fading": 0.7}, {"scratches": 2, "fading": 0.2, "halftone": 6}]
)
def test_seeds_repeat_and_differ(age: dict[str, float]) -> None:
    first, again, other = (OldPhoto(**age, seed=s)(noise()) for s in (1, 1, 2))  # type: ignore[arg-type]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize(("tone", "expected"), [(0.0, SEPIA[0]), (1.0, SEPIA[1])])
def test_sepia_has_one_hue_and_its_own_black_and_white(
    tone: float, expected: tuple[float, ...]
) -> None:
    y = OldPhoto(sepia=1)(flat(tone, 8))
    torch.testing.assert_close(y[:, 0, 0], torch.tensor(expected))


def test_sepia_forgets_colour_and_keeps_the_order_of_tones() -> None:
    x = noise()
    same = luma(x).expand_as(x)
    torch.testing.assert_close(OldPhoto(sepia=1)(x), OldPhoto(sepia=1)(same))
    order = luma(x).flatten().argsort()
    assert (luma(OldPhoto(sepia=1)(x)).flatten()[order].diff() >= -1e-6).all()
    halfway = (x + OldPhoto(sepia=1)(x)) / 2
    torch.testing.assert_close(OldPhoto(sepia=0.5)(x), halfway)


def test_fading_draws_black_and_white_together() -> None:
    low, high = OldPhoto(fading=1)(flat(0.0)), OldPhoto(fading=1)(flat(1.0))
    assert low.min() >= FADED[0] / 2 - 1e-6
    assert low.max() <= FADED[0] + 1e-6
    assert high.max() <= 1 - (1 - FADED[1]) / 2 + 1e-6
    assert high.min() >= FADED[1] - 1e-6
    assert low.std() > 0.01  # unevenly
    assert (OldPhoto(fading=0.2)(noise()).std()) < noise().std()


@pytest.mark.parametrize("tone", [0.2, 0.5, 0.8])
def test_halftone_keeps_tones_and_loses_colour(tone: float) -> None:
    y = OldPhoto(halftone=8)(flat(tone, 512))
    assert abs(y.mean().item() - tone) < 0.02
    assert torch.equal(y[0], y[1])
    assert y.std() > 0.25  # dots, not a tone


def test_halftone_dots_lie_at_their_spacing() -> None:
    """The strongest frequency of the dots is 1 / spacing, along the diagonals."""
    size, spacing = 256, 8 * math.sqrt(2)
    dots = halftone(flat(0.5, size), spacing)[0]
    spectrum = torch.fft.rfft2(dots - dots.mean()).abs()
    row, column = divmod(int(spectrum.argmax()), spectrum.shape[1])
    row = min(row, size - row)
    assert row == column
    assert math.hypot(row, column) == pytest.approx(size / spacing, rel=0.02)


def test_scratches_are_thin_few_and_more_with_their_number() -> None:
    changed = []
    for count in (1, 10, 40):
        y = OldPhoto(scratches=count, seed=5)(flat(0.5))
        changed.append(((y - 0.5).abs() > 0.05).float().mean().item())
    assert 0 < changed[0] < changed[1] < changed[2] < 0.25


@pytest.mark.parametrize(
    "wrong",
    [{"sepia": 1.1}, {"fading": -0.1}, {"scratches": -1}, {"halftone": 1.0}, {"sepia": math.nan}],
)
def test_age_without_meaning_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be 0"):
        OldPhoto(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (3, 50)])
def test_no_picture_is_too_small(size: tuple[int, int]) -> None:
    y = OldPhoto(sepia=0.5, fading=0.5, scratches=3, halftone=4)(torch.rand(3, *size))
    assert y.shape == (3, *size)
    assert y.isfinite().all()
