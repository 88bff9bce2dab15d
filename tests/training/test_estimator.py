from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from difface_cli.training.estimator import Filling, Restoration, focus
from difface_cli.training.objective import Portraits
from difface_cli.training.pictures import Pictures
from difface_cli.training.recipe import Data, Goal


@pytest.fixture
def portraits(folder: Path) -> Portraits:
    return Portraits(Pictures.of(16, folder), Data(), seed=0)


def test_the_truth_has_no_loss_and_the_input_has_one(portraits: Portraits) -> None:
    restoration = Restoration(portraits, Goal())
    y, x = restoration.batch(range(4))
    assert restoration.loss(lambda _: x, (y, x))["loss"] == 0
    loss = restoration.loss(lambda y: y, (y, x))["loss"]
    torch.testing.assert_close(loss, (y - x).abs().mean())
    assert loss > 0.01


def test_without_degradation_the_input_is_the_truth(portraits: Portraits) -> None:
    y, x = Restoration(portraits, Goal(degradation="none")).batch(range(2))
    torch.testing.assert_close(y, x)


def test_wild_pictures_are_worse_than_their_truth(portraits: Portraits) -> None:
    y, x = Restoration(portraits, Goal(degradation="wild")).batch(range(8))
    assert y.shape == x.shape and (y - x).abs().mean() > 0.01


def test_a_focus_counts_eyes_and_mouth_more_and_all_in_all_the_same() -> None:
    weights = focus(256, 2.0)
    assert weights.mean() == pytest.approx(1)
    eye, mouth, corner = weights[120, 96], weights[185, 128], weights[10, 10]
    assert eye > 2.5 * corner and mouth > 2.5 * corner
    assert (focus(256, 0.0) == 1).all()


def test_the_truth_has_no_loss_with_a_focus_either(portraits: Portraits) -> None:
    restoration = Restoration(portraits, Goal(focus=2.0))
    y, x = restoration.batch(range(2))
    losses = restoration.loss(lambda _: x + 0.1, (y, x))
    assert losses["loss"] == pytest.approx(0.1, rel=1e-4)
    assert losses["l1"] == pytest.approx(0.1, rel=1e-4)


def test_the_same_numbers_give_the_same_batch_in_any_company(portraits: Portraits) -> None:
    restoration = Restoration(portraits, Goal())
    y, x = restoration.batch([7, 8, 9])
    y_alone, x_alone = restoration.batch([8])
    torch.testing.assert_close(y[1:2], y_alone, rtol=0, atol=1e-2)  # a JPEG's rounding may turn
    torch.testing.assert_close(x[1:2], x_alone, rtol=0, atol=0)


def test_holes_are_empty_and_the_rest_is_known(portraits: Portraits) -> None:
    filling = Filling(portraits, Goal(masks={"half": 1.0}))
    y, x = filling.batch(range(3))
    mask = y[:, 3:]
    assert (mask.mean((1, 2, 3)) == 0.5).all()
    torch.testing.assert_close(y[:, :3], x * (1 - mask))


def test_the_loss_in_the_hole_counts_the_hole_alone(portraits: Portraits) -> None:
    filling = Filling(portraits, Goal(masks={"half": 1.0}))
    y, x = filling.batch(range(3))
    mask = y[:, 3:]

    def off_outside(inputs: Tensor) -> Tensor:
        return x + 0.5 * (1 - mask)

    losses = filling.loss(off_outside, (y, x))
    assert losses["hole"] == pytest.approx(0, abs=1e-6)
    assert losses["loss"] == pytest.approx(0.25)
    assert filling.loss(lambda _: x + 0.5 * mask, (y, x))["hole"] == pytest.approx(0.5)
