"""Changes of training pictures: each does what its place in the label says, zeros nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.training import augmentation
from difface_cli.training.augmentation import CHANNELS, augment


@pytest.fixture
def x() -> Tensor:
    """One smooth picture, 1×3×32×32."""
    small = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(small, (32, 32), mode="bicubic")
    return (0.1 + 0.8 * smooth).clamp(0, 1)


def label(**values: float) -> Tensor:
    places = {"size": 0, "angle": 1, "right": 2, "down": 3, "exposure": 4, "contrast": 5, "red": 6}
    made = torch.zeros(1, CHANNELS)
    for name, value in values.items():
        made[0, places[name]] = value
    return made


def test_zeros_change_nothing(x: Tensor) -> None:
    assert torch.equal(augment(x, label()), x)


def test_a_quarter_turn_and_a_shift_by_whole_pixels(x: Tensor) -> None:
    turned = augment(x, label(angle=math.pi / 2))
    same = [torch.allclose(turned, x.rot90(k, (2, 3)), atol=1e-4) for k in (1, 3)]
    assert any(same)
    shifted = augment(x, label(right=0.25))
    torch.testing.assert_close(shifted[..., :24], x[..., 8:], atol=1e-4, rtol=0)


def test_twice_the_size_shows_the_middle(x: Tensor) -> None:
    larger = augment(x, label(size=1))
    expected = torch.nn.functional.interpolate(
        x[..., 7:25, 7:25], scale_factor=2, mode="bilinear", align_corners=False
    )[..., 2:-2, 2:-2]
    torch.testing.assert_close(larger, expected, atol=1e-4, rtol=0)


def test_light_is_changed_as_it_says(x: Tensor) -> None:
    assert augment(x, label(exposure=0.3)).mean() > x.mean()
    assert augment(x, label(contrast=0.3)).std() > x.std()
    redder = augment(x, label(red=0.1))
    torch.testing.assert_close(redder[:, 0], (x[:, 0] * math.exp(0.1)).clamp(max=1))
    torch.testing.assert_close(redder[:, 1:], x[:, 1:])


def test_each_change_comes_in_its_share() -> None:
    rng = np.random.default_rng(0)
    labels = torch.stack([augmentation.draw(rng, 0.25) for _ in range(2000)])
    for places in augmentation.TOGETHER:
        changed = labels[:, list(places)] != 0
        assert (changed.any(1) == changed.all(1)).all()
        assert changed.any(1).float().mean() == pytest.approx(0.25, abs=0.04)
    assert not augmentation.draw(rng, 0.0).any()
