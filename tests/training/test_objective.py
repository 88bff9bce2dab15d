from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from difface_cli.training.objective import Portraits, grid, lit
from difface_cli.training.pictures import Pictures
from difface_cli.training.recipe import Data


def portraits(folder: Path, **data: float) -> Portraits:
    return Portraits(Pictures.of(16, folder), Data(**{"mirror": 0.0, **data}), seed=3)


def test_each_epoch_shows_every_picture_once_in_another_order(folder: Path) -> None:
    some = portraits(folder)
    all_of_them = {some.pictures[i].tobytes() for i in range(6)}
    epochs = [
        [(some.draw(i, some.generator(i)) * 255).byte().permute(1, 2, 0).numpy().tobytes()
         for i in range(first, first + 6)]
        for first in (0, 6, 600)
    ]  # fmt: skip
    assert all(set(epoch) == all_of_them for epoch in epochs)
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_an_example_depends_on_seed_and_number_alone(folder: Path) -> None:
    one, other = portraits(folder, mirror=0.5), portraits(folder, mirror=0.5)
    for i in (5, 17):
        torch.testing.assert_close(
            one.draw(i, one.generator(i)), other.draw(i, other.generator(i)), rtol=0, atol=0
        )
    draws = np.array([one.generator(i).random() for i in range(100)])
    assert len(set(draws)) == 100


def test_gray_and_mirrored_pictures(folder: Path) -> None:
    plain = portraits(folder)
    x = plain.draw(2, plain.generator(2))
    gray = portraits(folder, gray=1.0)
    y = gray.draw(2, gray.generator(2))
    assert (y[0] == y[1]).all() and (y[1] == y[2]).all() and not (x[0] == x[1]).all()
    mirrored = portraits(folder, mirror=1.0)
    torch.testing.assert_close(mirrored.draw(2, mirrored.generator(2)), x.flip(2))


def test_another_light_changes_every_colour_and_keeps_the_range() -> None:
    x = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    y = lit(x, np.random.default_rng(1))
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1
    assert ((y - x).abs().mean((1, 2)) > 0.005).all()
    torch.testing.assert_close(y, lit(x, np.random.default_rng(1)))


def test_grid_puts_rows_under_each_other() -> None:
    a, b = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    sheet = grid([a, b])
    assert sheet.shape == (3, 8, 8)
    assert sheet[:, :4].max() == 0 and sheet[:, 4:].min() == 1
