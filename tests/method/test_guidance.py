"""Refinement against its own definition, and against the published code's runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoised
from difface_cli.method.guidance import LUMA, Luma, Mask, Operator, Solvable, descend, refine
from difface_cli.method.samplers import ddim, ddpm, sample
from difface_cli.method.schedule import linear, timesteps
from tests.method.test_samplers import gaussian, golden_run, oracle, replay

SCHEDULE = linear()


def rand(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1


def hole(soft: bool = False) -> Tensor:
    mask = rand(2, 1, 8, 8, seed=9)
    return (mask + 1) / 2 if soft else (mask > 0).double()


@dataclass(frozen=True)
class Mean:
    """Only the mean of the channels is known: an operator that mixes them. A row of 1/3."""

    y0: Tensor

    def gradient(self, x0: Tensor) -> Tensor:
        return (2 / 3) * (x0.mean(1, keepdim=True) - self.y0).expand_as(x0)

    def closed_form(self, x0: Tensor, gamma: float) -> Tensor:
        pull = gamma / (3 + gamma)
        return x0 + pull * (self.y0 - x0.mean(1, keepdim=True))


def objective(x: Tensor, x0: Tensor, gamma: float, misfit: Tensor) -> Tensor:
    """Eq. 15."""
    return ((x - x0) ** 2).sum() + gamma * (misfit**2).sum()


def operators(soft: bool) -> list[tuple[Solvable, Callable[[Tensor], Tensor]]]:
    y0, mask, mean = rand(2, 3, 8, 8, seed=1), hole(soft), rand(2, 1, 8, 8, seed=2)
    red, green, blue = LUMA
    return [
        (Mask(y0, mask), lambda x: (1 - mask) * (y0 - x)),
        (Mean(mean), lambda x: mean - x.mean(1, keepdim=True)),
        (Luma(mean), lambda x: mean - red * x[:, :1] - green * x[:, 1:2] - blue * x[:, 2:]),
    ]


@pytest.mark.parametrize("gamma", [0.1, 0.5, 20.0])
@pytest.mark.parametrize("soft", [False, True])
def test_the_closed_form_minimises_equation_15(gamma: float, soft: bool) -> None:
    """At the minimum of a strictly convex function, and only there, the gradient vanishes."""
    x0 = rand(2, 3, 8, 8)
    for operator, misfit in operators(soft):
        x = operator.closed_form(x0, gamma).requires_grad_()
        (slope,) = torch.autograd.grad(objective(x, x0, gamma, misfit(x)), x)
        torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-12, rtol=0)


@pytest.mark.parametrize("soft", [False, True])
def test_the_gradient_is_that_of_the_misfit(soft: bool) -> None:
    for operator, misfit in operators(soft):
        x0 = rand(2, 3, 8, 8).requires_grad_()
        (slope,) = torch.autograd.grad((misfit(x0) ** 2).sum(), x0)
        torch.testing.assert_close(operator.gradient(x0.detach()), slope)


def test_the_luma_closed_form_solves_the_normal_equations() -> None:
    """(I + γ w wᵀ) x = x0 + γ w y0, a 3×3 system a pixel, solved by elimination."""
    x0, y0, gamma = rand(2, 3, 8, 8), rand(2, 1, 8, 8, seed=2), 0.7
    w = torch.tensor(LUMA, dtype=torch.float64)
    right = x0 + gamma * w.view(1, 3, 1, 1) * y0
    solved = torch.linalg.solve(
        torch.eye(3, dtype=torch.float64) + gamma * torch.outer(w, w),
        right.movedim(1, -1).reshape(-1, 3, 1),
    )
    out = Luma(y0).closed_form(x0, gamma).movedim(1, -1).reshape(-1, 3, 1)
    torch.testing.assert_close(out, solved)


def test_a_large_gamma_brings_the_luma_and_moves_nothing_across_it() -> None:
    x0, y0 = rand(2, 3, 8, 8), rand(2, 1, 8, 8, seed=2)
    w = torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1)
    out = Luma(y0).closed_form(x0, 1e9)
    torch.testing.assert_close((w * out).sum(1, keepdim=True), y0, atol=1e-7, rtol=0)
    across = torch.linalg.cross((out - x0).movedim(1, -1), w.movedim(1, -1))
    torch.testing.assert_close(across, torch.zeros_like(across), atol=1e-12, rtol=0)


@pytest.mark.parametrize("g", [0.05, 0.1, 0.3, 0.49])
def test_a_gradient_step_is_a_closed_form_with_another_gamma(g: float) -> None:
    x0, y0 = rand(2, 3, 8, 8), rand(2, 3, 8, 8, seed=1)
    operator, denoise = Mask(y0, hole()), oracle(x0)
    step = refine(denoise, operator, g, "gradient")(x0, 100).x0
    solved = refine(denoise, operator, 2 * g / (1 - 2 * g))(x0, 100).x0
    torch.testing.assert_close(step, solved)


def test_half_a_gradient_step_replaces_what_is_known() -> None:
    x0, y0, mask = rand(2, 3, 8, 8), rand(2, 3, 8, 8, seed=1), hole()
    out = refine(oracle(x0), Mask(y0, mask), 0.5, "gradient")(x0, 100).x0
    torch.testing.assert_close(out, torch.where(mask > 0, x0, y0))


@pytest.mark.parametrize("name", ["gamma05", "gamma01"])
def test_agrees_with_the_published_runs(golden: Path, name: str) -> None:
    case, tensors, denoise = golden_run(golden, f"inpaint_ddim50_n6_eta1_{name}")
    *visited, n = case["timesteps"]
    x_n = SCHEDULE.q_sample(tensors["estimate"], n, tensors["noise"][0])
    guided = refine(denoise, Mask(tensors["y0"], tensors["mask"]), case["gamma"], "gradient")
    with torch.inference_mode():
        out = sample(
            ddim(x_n, SCHEDULE, visited, replay(tensors["noise"][1:]), eta=case["eta"]), guided
        )
    torch.testing.assert_close(out, tensors["out"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", ["closed-form", "gradient"])
def test_an_oracle_of_the_picture_is_left_alone(how: str) -> None:
    """Where the denoiser agrees with the observation there is nothing to refine."""
    noise = gaussian(shape=(2, 3, 8, 8))
    x0, mask = rand(2, 3, 8, 8), hole()
    y0 = torch.where(mask > 0, torch.zeros_like(x0), x0)
    x_n = SCHEDULE.q_sample(x0, 480, noise())
    guided = refine(oracle(x0), Mask(y0, mask), 0.5, how)
    for sampler in (ddim, ddpm):
        out = sample(sampler(x_n, SCHEDULE, timesteps(480, 20), noise), guided)
        torch.testing.assert_close(out, x0, atol=1e-10, rtol=0)


def test_known_pixels_arrive_as_far_as_gamma_reaches() -> None:
    """With a denoiser that insists on a, the chain ends at (a + γ y0)/(1 + γ) outside the holes."""
    noise = gaussian(shape=(2, 3, 8, 8))
    a, y0, mask = torch.full((2, 3, 8, 8), 0.5, dtype=torch.float64), rand(2, 3, 8, 8), hole()
    x_n = SCHEDULE.q_sample(a, 480, noise())
    guided = refine(oracle(a), Mask(y0, mask), 0.25)
    out = sample(ddim(x_n, SCHEDULE, timesteps(480, 20), noise, eta=1.0), guided)
    expected = torch.where(mask > 0, a, (a + 0.25 * y0) / 1.25)
    torch.testing.assert_close(out, expected, atol=1e-9, rtol=0)


def test_noise_and_variance_stay_the_networks_and_x0_stays_in_range() -> None:
    x_t = rand(2, 3, 8, 8)
    seen = Denoised(rand(2, 3, 8, 8, seed=3), rand(2, 3, 8, 8, seed=4), rand(2, 3, 8, 8, seed=5))
    for how in ("closed-form", "gradient"):
        out = refine(lambda x, t: seen, Mask(3 * x_t, hole()), 0.4, how)(x_t, 7)
        assert out.eps is seen.eps
        assert out.variance is seen.variance
        assert out.x0.abs().max() == 1.0


def test_without_gamma_nothing_is_wrapped() -> None:
    denoise = oracle(rand(2, 3, 8, 8))
    assert refine(denoise, Mask(rand(2, 3, 8, 8), hole()), 0.0) is denoise


class OnlyGradient:
    """An operator without closed form."""

    def gradient(self, x0: Tensor) -> Tensor:
        return 2 * x0


@pytest.mark.parametrize(
    ("operator", "gamma", "how", "says"),
    [
        (Mask(torch.zeros(1), torch.zeros(1)), -0.1, "closed-form", "gamma"),
        (Mask(torch.zeros(1), torch.zeros(1)), math.nan, "closed-form", "gamma"),
        (Mask(torch.zeros(1), torch.zeros(1)), 0.5, "newton", "closed-form or gradient"),
        (OnlyGradient(), 0.5, "closed-form", "OnlyGradient has no closed form"),
    ],
)
def test_what_cannot_be_refined_is_refused(
    operator: Operator, gamma: float, how: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        refine(oracle(torch.zeros(1)), operator, gamma, how)


def test_an_operator_without_closed_form_takes_gradient_steps() -> None:
    x0 = rand(2, 3, 8, 8)
    out = refine(oracle(x0), OnlyGradient(), 0.25, "gradient")(x0, 100).x0
    torch.testing.assert_close(out, 0.5 * x0)


def test_descending_takes_a_step_of_the_given_length_down_the_misfit() -> None:
    x0, target, x_t = (
        0.3 * rand(2, 3, 8, 8),
        0.3 * rand(2, 3, 8, 8, seed=1),
        rand(2, 3, 8, 8, seed=2),
    )

    def misfit(x: Tensor) -> Tensor:
        return (x - target).square().mean((1, 2, 3))

    view = descend(lambda x, t: Denoised(x0, x), misfit, 0.05)(x_t, 3)
    step = view.x0 - x0
    torch.testing.assert_close(
        step.square().mean((1, 2, 3)).sqrt(), torch.tensor([0.05] * 2).double()
    )
    torch.testing.assert_close(
        step,
        0.05 * (target - x0) / (target - x0).square().mean((1, 2, 3), keepdim=True).sqrt(),
        atol=1e-6,
        rtol=0,
    )
    torch.testing.assert_close(view.eps, x_t)


def test_it_descends_in_inference_mode_through_a_network() -> None:
    network = torch.nn.Conv2d(3, 1, 3).double()

    def misfit(x: Tensor) -> Tensor:
        return network(x.double()).square().mean((1, 2, 3))

    with torch.inference_mode():
        x0, x_t = 0.3 * rand(1, 3, 8, 8), rand(1, 3, 8, 8, seed=2)
        view = descend(lambda x, t: Denoised(x0, x), misfit, 0.01)(x_t, 3)
        assert misfit(view.x0) < misfit(x0)


def test_no_step_and_no_slope_change_nothing() -> None:
    x0, x_t = 0.3 * rand(1, 3, 8, 8), rand(1, 3, 8, 8, seed=2)

    def own(x: Tensor, t: int) -> Denoised:
        return Denoised(x0, x)

    assert descend(own, lambda x: x.sum((1, 2, 3)), 0) is own
    flat = descend(own, lambda x: (x * 0).sum((1, 2, 3)), 0.1)(x_t, 3)
    torch.testing.assert_close(flat.x0, x0)
    with pytest.raises(ValueError, match="0 or more"):
        descend(own, lambda x: x, -0.1)
