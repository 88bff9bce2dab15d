"""Eq. 17 against what each of its parts must do to simple pictures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.degradations import (
    Degradation,
    blur,
    gaussian_kernel,
    luma,
    resize,
)

NOTHING = Degradation(1e-3, 1e-3, 0.0, scale=1.0, noise=0.0, quality=100)


def smooth_picture(size: int) -> Tensor:
    y, x = torch.meshgrid(*[torch.linspace(0, 1, size)] * 2, indexing="ij")
    return torch.stack([x, y, 0.5 + 0.3 * torch.sin(6 * x)]) * 0.8 + 0.1


def test_no_degradation_leaves_a_picture_to_jpegs_rounding() -> None:
    x = smooth_picture(512)
    assert (NOTHING(x) - x).abs().mean() < 0.004


@pytest.mark.parametrize("resample", ["bicubic", "bilinear", "area"])
def test_every_part_keeps_size_range_and_mean(resample: str) -> None:
    x = smooth_picture(256)
    y = Degradation(6, 2, 0.7, scale=8, noise=5, quality=60, resample=resample)(x)
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1
    assert (y.mean((1, 2)) - x.mean((1, 2))).abs().max() < 0.01


def test_the_same_draw_gives_the_same_picture_and_another_seed_another() -> None:
    x, d = smooth_picture(128), Degradation(3, 3, 0, scale=4, noise=10, quality=50, seed=3)
    assert torch.equal(d(x), d(x))
    assert not torch.equal(d(x), replace(d, seed=4)(x))


def test_the_small_picture_has_the_same_pixels_whatever_the_size_worked_at() -> None:
    d = Degradation(3, 3, 0, scale=16, noise=0, quality=90)
    large, small = d.shrink(smooth_picture(512)), d.shrink(smooth_picture(256))
    assert large.shape == small.shape == (3, 32, 32)
    assert (large - small).abs().max() < 0.05


def test_the_kernel_is_the_gaussian_of_eq_18() -> None:
    kernel = gaussian_kernel(4.0, 2.0, math.pi / 6, 41)
    axis = torch.arange(41.0) - 20
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    u = torch.tensor(
        [[math.cos(math.pi / 6), -math.sin(math.pi / 6)],
         [math.sin(math.pi / 6), math.cos(math.pi / 6)]]
    )  # fmt: skip
    expected = u @ torch.diag(torch.tensor([16.0, 4.0])) @ u.T
    moments = torch.tensor(
        [[(kernel * x * x).sum(), (kernel * x * y).sum()],
         [(kernel * x * y).sum(), (kernel * y * y).sum()]]
    )  # fmt: skip
    torch.testing.assert_close(moments, expected, atol=0.05, rtol=0.01)
    assert abs(kernel.sum().item() - 1) < 1e-5


def test_blur_of_a_point_is_the_kernel() -> None:
    point = torch.zeros(3, 101, 101)
    point[:, 50, 50] = 1
    blurred = blur(point, 4.0, 2.0, 0.5, relative=1.0)
    expected = gaussian_kernel(4.0, 2.0, 0.5, 41)
    torch.testing.assert_close(blurred[0, 30:71, 30:71], expected, atol=1e-6, rtol=0)
    assert blurred[0, 0, 0].abs() < 1e-6


@pytest.mark.parametrize("size", [(40, 30), (97, 61), (101, 128)])
def test_blur_is_a_convolution_that_reflects_at_the_border(size: tuple[int, int]) -> None:
    x = torch.rand(3, *size)
    kernel = gaussian_kernel(5.0, 2.0, 0.4, 21)
    padded = F.pad(x[:, None], (10,) * 4, mode="reflect")
    expected = F.conv2d(padded, kernel.flip(0, 1)[None, None])[:, 0]
    torch.testing.assert_close(blur(x, 5.0, 2.0, 0.4, relative=0.5), expected, atol=1e-5, rtol=0)


def test_noise_has_the_stated_strength() -> None:
    flat = torch.full((3, 512, 512), 0.5)
    y = replace(NOTHING, noise=10.0)(flat)
    # JPEG halves the resolution of colour, so that only luma keeps the noise as it was.
    of_luma = 10 * math.hypot(0.299, 0.587, 0.114)
    assert abs(luma(y).std().item() * 255 - of_luma) < 0.3


def test_gray_takes_colour_and_keeps_luma() -> None:
    x = smooth_picture(128)
    y = replace(NOTHING, gray=True, scale=0.25)(x)
    assert (y - y.mean(0, keepdim=True)).abs().max() < 0.02
    assert (luma(y) - luma(x)).abs().mean() < 0.02


def test_shrinking_a_fine_pattern_gives_its_mean_not_an_alias() -> None:
    stripes = (torch.arange(256) % 2).float().expand(3, 256, 256)
    small = resize(stripes, (64, 64), "bicubic")
    assert (small[..., 4:-4] - 0.5).abs().max() < 0.05


def test_parts_set_to_nothing_are_left_out() -> None:
    x = torch.rand(3, 512, 512)
    assert torch.equal(Degradation(0, 0, 0, scale=1, noise=0, quality=None)(x), x)


def test_area_is_the_mean_of_each_block() -> None:
    x = torch.rand(3, 512, 512)
    y = Degradation(0, 0, 0, scale=8, noise=0, quality=None, resample="area").shrink(x)
    expected = x.view(3, 64, 8, 64, 8).mean((2, 4))
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sigma_x": -1.0},
        {"scale": 0.0},
        {"scale": math.nan},
        {"noise": -1.0},
        {"noise": math.nan},
        {"sigma_y": math.nan},
        {"angle": math.inf},
        {"quality": 101},
        {"resample": "nearest"},
    ],
)
def test_parameters_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(NOTHING, **wrong)  # type: ignore[arg-type]
