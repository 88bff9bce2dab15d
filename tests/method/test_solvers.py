"""The second-order solver against priors whose way back is known in closed form.

On the prior N(mean, std²) of every pixel the denoiser, the probability flow and the marginals are
exact. The orders are measured on a schedule of 20,000 timesteps, so that rounding to timesteps
does not blur them, and end where its lowest timestep is: the call there is the end's own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoised, Denoiser, eps_from_x0, from_network
from difface_cli.method.guidance import Luma, Mask, refine
from difface_cli.method.samplers import Sampling, ddim, sample
from difface_cli.method.schedule import (
    Schedule,
    half_log_snr,
    linear,
    log_snr_timesteps,
)
from difface_cli.method.solvers import dpmpp

SCHEDULE = linear()
FINE = linear(20_000, 5e-6, 1e-3)
MEAN, STD = 0.3, 0.2

Gaussian = Callable[[], Tensor]


def gaussian(seed: int = 0, shape: tuple[int, ...] = (2, 3, 16, 16)) -> Gaussian:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator, dtype=torch.float64)


def forbidden() -> Tensor:
    raise AssertionError("noise was drawn")


def oracle(x0: Tensor) -> Denoiser:
    """A denoiser that knows the clean picture."""
    return lambda x, t: Denoised(x0, eps_from_x0(x, x0, SCHEDULE.alpha_bar[t]))


def prior(schedule: Schedule) -> Denoiser:
    """The exact denoiser of N(MEAN, STD²): E[x0 | x_t]."""

    def denoise(x: Tensor, t: int) -> Denoised:
        a = schedule.alpha_bar[t]
        gain = math.sqrt(a) * STD**2 / (a * STD**2 + 1 - a)
        x0 = MEAN + gain * (x - math.sqrt(a) * MEAN)
        return Denoised(x0, eps_from_x0(x, x0, a))

    return denoise


def flow(x: Tensor, a: float, a_prev: float) -> Tensor:
    """The probability flow of that prior from alpha_bar a to a': it keeps every quantile."""
    scale = math.sqrt((a_prev * STD**2 + 1 - a_prev) / (a * STD**2 + 1 - a))
    return math.sqrt(a_prev) * MEAN + scale * (x - math.sqrt(a) * MEAN)


def slopes(errors: Sequence[float]) -> list[float]:
    """By which power of the step each doubling of the steps makes the error smaller."""
    return [math.log2(a / b) for a, b in itertools.pairwise(errors)]


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("n", "steps"), [(400, 20), (260, 5), (999, 10), (30, 30), (3, 2), (1, 1), (999, 1)]
)
def test_the_oracles_picture_is_given_back(n: int, steps: int, eta: float) -> None:
    noise = gaussian()
    x0 = noise().clamp(-1, 1)
    x_n = SCHEDULE.q_sample(x0, n, noise())
    visited = log_snr_timesteps(SCHEDULE, n, steps)
    out = sample(dpmpp(x_n, SCHEDULE, visited, noise, eta=eta), oracle(x0))
    torch.testing.assert_close(out, x0, atol=1e-10, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_every_marginal_keeps_its_variance(eta: float) -> None:
    """With the oracle, x_t stays distributed as q(x_t | x0)."""
    noise = gaussian(shape=(1, 3, 128, 128))
    x0 = torch.zeros(1, 3, 128, 128, dtype=torch.float64)
    variances = {}

    def watched(x: Tensor, t: int) -> Denoised:
        variances[t] = x.var().item()
        return oracle(x0)(x, t)

    x_n = SCHEDULE.q_sample(x0, 400, noise())
    sample(dpmpp(x_n, SCHEDULE, log_snr_timesteps(SCHEDULE, 400, 12), noise, eta=eta), watched)
    assert len(variances) == 12
    for t, variance in variances.items():
        assert math.isclose(variance, 1 - SCHEDULE.alpha_bar[t], rel_tol=0.05)


@pytest.mark.parametrize("n", [5_200, 8_000])
def test_the_error_falls_with_the_square_of_the_step_and_ddims_with_the_step(n: int) -> None:
    noise = gaussian(shape=(1000,))
    x_n = FINE.q_sample(MEAN + STD * noise(), n, noise())
    denoise = prior(FINE)
    truth = denoise(flow(x_n, FINE.alpha_bar[n], FINE.alpha_bar[0]), 0).x0

    def error(solve: Callable[..., Sampling], steps: int) -> float:
        visited = log_snr_timesteps(FINE, n + 1, steps)  # from n itself, where x_n is
        out = sample(solve(x_n, FINE, visited, forbidden, eta=0.0), denoise)
        return float((out - truth).square().mean().sqrt())

    ours, ddims = ([error(solve, s) for s in (10, 20, 40, 80)] for solve in (dpmpp, ddim))
    assert all(1.7 < slope < 2.3 for slope in slopes(ours)), ours
    assert all(0.8 < slope < 1.2 for slope in slopes(ddims)), ddims
    assert all(o < d / 4 for o, d in zip(ours, ddims, strict=True))


def test_ten_steps_end_at_the_flows_clean_picture() -> None:
    """On the real schedule too, and at alpha_bar 1: no step is lost at either end."""
    noise = gaussian(shape=(1000,))
    x_n = SCHEDULE.q_sample(MEAN + STD * noise(), 260, noise())
    visited = log_snr_timesteps(SCHEDULE, 261, 10)
    out = sample(dpmpp(x_n, SCHEDULE, visited, forbidden, eta=0.0), prior(SCHEDULE))
    truth = flow(x_n, SCHEDULE.alpha_bar[260], 1.0)
    assert (out - truth).abs().max() < 0.05 * STD


def variance_off(
    solve: Callable[..., Sampling], schedule: Schedule, n: int, steps: int, eta: float
) -> float:
    """The relative error of the result's variance, exact: no draw is made.

    Sampler and denoiser are linear here, so x is kept as its coefficients on x_N and the draws.
    """

    def denoise(x: Tensor, t: int) -> Denoised:
        a = schedule.alpha_bar[t]
        x0 = math.sqrt(a) * STD**2 / (a * STD**2 + 1 - a) * x
        return Denoised(x0, eps_from_x0(x, x0, a))

    unit, *draws = torch.eye(steps + 1, dtype=torch.float64)
    a_n = schedule.alpha_bar[n]
    x_n = math.sqrt(a_n * STD**2 + 1 - a_n) * unit
    visited = log_snr_timesteps(schedule, n + 1, steps)
    fresh = iter(draws)
    out = sample(solve(x_n, schedule, visited, lambda: next(fresh), eta=eta), denoise)
    return out.square().sum().item() / STD**2 - 1


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_the_variance_nears_the_priors_with_order_2_for_every_eta(eta: float) -> None:
    ours, ddims = (
        [abs(variance_off(solve, FINE, 8_000, s, eta)) for s in (20, 40, 80)]
        for solve in (dpmpp, ddim)
    )
    assert all(1.7 < slope < 2.3 for slope in slopes(ours)), ours
    assert all(slope < 1.2 for slope in slopes(ddims)), ddims


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [5, 10, 20, 40])
def test_the_variance_is_nearer_to_the_priors_than_ddims(steps: int, eta: float) -> None:
    ours, ddims = (abs(variance_off(s, SCHEDULE, 400, steps, eta)) for s in (dpmpp, ddim))
    assert ours < ddims / 5


def test_stochastic_samples_have_the_marginals_mean_and_variance() -> None:
    """Within the Monte Carlo error (4 standard errors), where DDIM is not."""
    noise = gaussian(shape=(100_000,))
    x_n = SCHEDULE.q_sample(MEAN + STD * noise(), 400, noise())
    visited = log_snr_timesteps(SCHEDULE, 401, 40)
    ours, ddims = (
        sample(
            solve(x_n, SCHEDULE, visited, gaussian(seed=1, shape=x_n.shape), eta=1.0),
            prior(SCHEDULE),
        )
        for solve in (dpmpp, ddim)
    )
    standard_error = 1 / math.sqrt(len(x_n))
    assert abs(ours.mean().item() - MEAN) < 4 * STD * standard_error
    off, ddims_off = (abs(out.var().item() / STD**2 - 1) for out in (ours, ddims))
    assert off < 4 * math.sqrt(2) * standard_error < ddims_off


def test_without_eta_it_is_algorithm_2_of_the_paper() -> None:
    """Held to the published form, written out here in its own letters, and drawing no noise."""
    noise = gaussian()
    denoise, visited = prior(SCHEDULE), log_snr_timesteps(SCHEDULE, 400, 8)
    x = x_n = noise()
    t = list(reversed(visited))
    lam = [half_log_snr(SCHEDULE.alpha_bar[i]) for i in t]
    alpha = [math.sqrt(SCHEDULE.alpha_bar[i]) for i in t]
    sigma = [math.sqrt(1 - SCHEDULE.alpha_bar[i]) for i in t]
    q: list[Tensor] = []
    for i in range(1, 8):
        q.append(denoise(x, t[i - 1]).x0)
        h, d = lam[i] - lam[i - 1], q[-1]
        if i > 1:
            r = (lam[i - 1] - lam[i - 2]) / h
            d = (1 + 1 / (2 * r)) * q[-1] - 1 / (2 * r) * q[-2]
        x = sigma[i] / sigma[i - 1] * x - alpha[i] * math.expm1(-h) * d
    out = sample(dpmpp(x_n, SCHEDULE, visited, forbidden, eta=0.0), denoise)
    torch.testing.assert_close(out, denoise(x, 0).x0, atol=1e-12, rtol=1e-12)


def test_with_eta_1_it_is_the_published_sde_solver() -> None:
    """x' = σ'/σ e^-h x + α'(1-e^-2h)(x0 + (x0 - x0_before)/2r) + σ'√(1-e^-2h) z, Lu et al."""
    noise, draws = gaussian(), gaussian(seed=3)
    denoise, visited = prior(SCHEDULE), (0, 60, 200)
    a0, a1, a2 = (SCHEDULE.alpha_bar[t] for t in visited)
    x_n = noise()
    first = denoise(x_n, 200).x0
    h1 = half_log_snr(a1) - half_log_snr(a2)
    x = math.sqrt((1 - a1) / (1 - a2)) * math.exp(-h1) * x_n
    x = x - math.sqrt(a1) * math.expm1(-2 * h1) * first
    x = x + math.sqrt((1 - a1) * -math.expm1(-2 * h1)) * draws()
    second = denoise(x, 60).x0
    h0 = half_log_snr(a0) - half_log_snr(a1)
    x = math.sqrt((1 - a0) / (1 - a1)) * math.exp(-h0) * x - math.sqrt(a0) * math.expm1(-2 * h0) * (
        second + (second - first) * h0 / (2 * h1)
    )
    x = x + math.sqrt((1 - a0) * -math.expm1(-2 * h0)) * draws()
    out = sample(dpmpp(x_n, SCHEDULE, visited, gaussian(seed=3), eta=1.0), denoise)
    torch.testing.assert_close(out, denoise(x, 0).x0, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_single_step_is_the_denoisers_picture(eta: float) -> None:
    x_n = gaussian()()
    visited = log_snr_timesteps(SCHEDULE, 260, 1)
    out = sample(dpmpp(x_n, SCHEDULE, visited, forbidden, eta=eta), prior(SCHEDULE))
    torch.testing.assert_close(out, prior(SCHEDULE)(x_n, 259).x0, atol=1e-12, rtol=0)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_a_first_step_is_ddims(eta: float) -> None:
    """Without a call before it nothing is extrapolated, and eta means what it means in DDIM."""
    x_n, visited = gaussian()(), (100, 200)
    states = []
    for solve in (dpmpp, ddim):
        seen: list[Tensor] = []

        def watched(x: Tensor, t: int, seen: list[Tensor] = seen) -> Denoised:
            seen.append(x)
            return prior(SCHEDULE)(x, t)

        sample(solve(x_n, SCHEDULE, visited, gaussian(seed=2), eta=eta), watched)
        states.append(seen[1])
    torch.testing.assert_close(states[0], states[1], atol=1e-12, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("how", ["closed-form", "gradient"])
def test_a_refined_denoiser_is_followed_to_the_end(how: str, eta: float) -> None:
    """What is known of the picture is in the result, to what the refinement leaves."""
    noise = gaussian()
    y0 = noise().mul(0.3).clamp(-1, 1)
    mask = torch.zeros_like(y0)
    mask[..., :8] = 1
    luma = (y0 * y0.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    visited = log_snr_timesteps(SCHEDULE, 480, 15)
    gamma = 1e6 if how == "closed-form" else 0.5  # both put known pixels back outright
    held = refine(prior(SCHEDULE), Mask(y0, mask), gamma, how)
    out = sample(dpmpp(noise(), SCHEDULE, visited, noise, eta=eta), held)
    torch.testing.assert_close(out[..., 8:], y0[..., 8:], atol=1e-5, rtol=0)
    assert (out[..., :8] - MEAN).abs().max() < 6 * STD
    if how == "closed-form":
        grey = refine(prior(SCHEDULE), Luma(luma), gamma, how)
        out = sample(dpmpp(noise(), SCHEDULE, visited, noise, eta=eta), grey)
        got = (out * y0.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
        torch.testing.assert_close(got, luma, atol=1e-4, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_clipped_picture_is_reached(eta: float) -> None:
    """A network sure of a colour beyond the range ends at the range's end, and nowhere else."""

    def network(x: Tensor, t: Tensor) -> Tensor:
        a = SCHEDULE.alpha_bar[int(t[0])]
        return eps_from_x0(x, torch.full_like(x, 1.5), a)

    noise = gaussian()
    visited = log_snr_timesteps(SCHEDULE, 400, 10)
    out = sample(dpmpp(noise(), SCHEDULE, visited, noise, eta=eta), from_network(network, SCHEDULE))
    torch.testing.assert_close(out, torch.ones_like(out), atol=1e-10, rtol=0)


def test_progress_sees_every_step() -> None:
    seen: list[int] = []

    def track(steps: Any) -> Any:
        for step in steps:
            seen.append(step[0])
            yield step

    x0 = torch.zeros(1, 3, 8, 8)
    sample(dpmpp(x0, SCHEDULE, (0, 5, 26, 93, 259), lambda: x0, track=track), oracle(x0))
    assert seen == [259, 93, 26, 5, 0]
