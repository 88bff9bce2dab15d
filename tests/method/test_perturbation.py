"""Guidance adds what attention adds, in fine parts alone, and nothing at scale 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from difface_cli.method.denoiser import Denoised, Denoiser
from difface_cli.method.perturbation import LARGEST, RADIUS, blurred, guided

SIDE = 64


def says(x0: Tensor) -> Denoiser:
    return lambda x_t, t: Denoised(x0, x_t - x0)


def rand(seed: int = 0, low: float = -0.3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(2, 3, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return noise * -2 * low + low


def test_scale_0_is_the_denoiser_itself() -> None:
    own = says(rand())
    assert guided(own, says(rand(1)), 0) is own


@pytest.mark.parametrize("scale", [-0.1, LARGEST + 0.1, float("nan")])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="guidance must be 0 to 10"):
        guided(says(rand()), says(rand()), scale)


def test_a_prior_that_needs_no_attention_is_left_as_it_is() -> None:
    x0 = rand()
    view = guided(says(x0), says(x0), 3.0)(rand(2), 100)
    torch.testing.assert_close(view.x0, x0)


def test_a_coarse_difference_moves_nothing() -> None:
    x0 = rand()
    view = guided(says(x0), says(x0 - 0.4), 3.0)(rand(2), 100)
    torch.testing.assert_close(view.x0, x0)


def test_a_fine_difference_is_added_as_often_as_the_scale_says() -> None:
    x0 = rand(low=-0.1)
    stripes = 0.1 * (-1.0) ** torch.arange(SIDE, dtype=torch.float64).expand(2, 3, SIDE, SIDE)
    view = guided(says(x0 + stripes), says(x0), 2.0)(rand(2), 100)
    sigma = RADIUS * SIDE
    seen = np.stack(
        [[gaussian_filter(c, sigma, mode="mirror", truncate=5) for c in p] for p in stripes.numpy()]
    )
    kept = 1 - seen[0, 0, SIDE // 2, SIDE // 2] / 0.1  # of stripes, by a blur so small
    expected = x0 + stripes + 2.0 * kept * stripes
    middle = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(view.x0[middle], expected[middle], atol=2e-3, rtol=0)


def test_the_noise_stays_the_networks_own_and_the_picture_is_clipped() -> None:
    x0, x_t = rand(low=-1.0), rand(2)
    view = guided(says(x0), says(rand(3, low=-1.0)), 5.0)(x_t, 100)
    torch.testing.assert_close(view.eps, x_t - x0)
    assert view.x0.abs().max() <= 1


@pytest.mark.parametrize("sigma", [0.4, 1.5, 3.0])
def test_the_blur_is_scipys(sigma: float) -> None:
    x = rand()
    expected = np.stack(
        [[gaussian_filter(c, sigma, mode="mirror", truncate=3) for c in p] for p in x.numpy()]
    )
    torch.testing.assert_close(blurred(x, sigma), torch.from_numpy(expected), atol=3e-3, rtol=0)


def test_a_blur_wider_than_the_picture_is_cut_to_it() -> None:
    assert torch.isfinite(blurred(rand()[..., :4, :4], 9.0)).all()
