"""A batch is its pictures, each degraded by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from difface_cli import degradations
from difface_cli.degradations import Degradation, celeba_test, training


def pictures(count: int, height: int, width: int) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(64, 64), (45, 70)])
def test_a_batch_is_bit_for_bit_its_pictures_degraded_alone(size: tuple[int, int]) -> None:
    x, rng = pictures(8, *size), np.random.default_rng(0)
    settings = [training(rng) for _ in range(6)] + [celeba_test(rng) for _ in range(2)]
    together = degradations.batch(x, settings)
    alone = torch.stack([d(picture) for d, picture in zip(settings, x, strict=True)])
    assert torch.equal(together, alone)


def test_neither_order_nor_company_nor_layout_of_memory_matters() -> None:
    x, rng = pictures(4, 64, 64), np.random.default_rng(1)
    settings = [training(rng) for _ in range(4)]
    y = degradations.batch(x, settings)
    turned = degradations.batch(x.flip(0), settings[::-1]).flip(0)
    strided = degradations.batch(x.contiguous(memory_format=torch.channels_last), settings)
    assert torch.equal(turned, y)
    assert torch.equal(degradations.batch(x[1:2], settings[1:2]), y[1:2])
    assert torch.equal(strided, y)


def test_every_picture_needs_its_settings() -> None:
    nothing = Degradation(0, 0, 0, 1, 0, None)
    with pytest.raises(ValueError, match="argument"):
        degradations.batch(pictures(2, 16, 16), [nothing])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 300)])
def test_no_picture_is_too_small(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    y = degradations.batch(pictures(5, *size), [training(rng) for _ in range(5)])
    assert y.shape == (5, 3, *size)
    assert y.isfinite().all()
