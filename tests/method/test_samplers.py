"""Samplers against the published code's runs, and against denoisers that know the truth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from difface_cli.method import samplers
from difface_cli.method.denoiser import (
    Denoised,
    Denoiser,
    eps_from_x0,
    from_network,
    x0_from_eps,
)
from difface_cli.method.samplers import Sampling, sample
from difface_cli.method.schedule import linear, timesteps
from difface_cli.networks import build

SCHEDULE = linear()
CASES = [
    "ddim250_n8_eta0",
    "ddim250_n8_eta05",
    "ddim250_n8_eta1",
    "ddim20_n8_eta05",
    "ddpm50_n6",
    "ddpm250_n5",
]


def replay(noise: Tensor) -> Callable[[], Tensor]:
    """Give recorded draws back one by one."""
    draws = iter(noise)
    return lambda: next(draws)


def golden_run(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor], Denoiser]:
    with safe_open(folder / "sampling.safetensors", "pt") as f:
        meta = f.metadata()
        tensors = {
            key.removeprefix(name + "."): f.get_tensor(key)
            for key in f.keys()  # noqa: SIM118
            if key.startswith(name + ".")
        }
    case = next(c for c in json.loads(meta["cases"]) if c["name"] == name)
    with safe_open(folder / f"{meta['model']}.safetensors", "pt") as f:
        network = build("unet", json.loads(f.metadata()["config"]))
        weights = {k.removeprefix("model."): f.get_tensor(k) for k in f.keys() if k[:6] == "model."}  # noqa: SIM118
    network.load_state_dict(weights)
    return case, tensors, from_network(network, SCHEDULE)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_published_runs(golden: Path, name: str) -> None:
    case, tensors, denoise = golden_run(golden, name)
    *visited, n = case["timesteps"]
    x_n = SCHEDULE.q_sample(tensors["estimate"], n, tensors["noise"][0])
    torch.testing.assert_close(x_n, tensors["xn"], atol=1e-4, rtol=1e-4)

    sampler: Callable[..., Sampling] = getattr(samplers, case["sampler"])
    options = {} if case["eta"] is None else {"eta": case["eta"]}
    with torch.inference_mode():
        out = sample(
            sampler(x_n, SCHEDULE, visited, replay(tensors["noise"][1:]), **options), denoise
        )
    torch.testing.assert_close(out, tensors["out"], atol=1e-4, rtol=1e-4)


def oracle(x0: Tensor) -> Denoiser:
    """A denoiser that knows the clean picture."""
    return lambda x, t: Denoised(x0, eps_from_x0(x, x0, SCHEDULE.alpha_bar[t]))


def gaussian(seed: int = 0, shape: tuple[int, ...] = (2, 3, 16, 16)) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("n", "steps"), [(400, 100), (400, 7), (999, 10), (3, 3), (50, 1)])
def test_ddim_gives_the_oracles_picture_back(n: int, steps: int, eta: float) -> None:
    noise = gaussian()
    x0 = noise().clamp(-1, 1)
    x_n = SCHEDULE.q_sample(x0, n, noise())
    out = sample(samplers.ddim(x_n, SCHEDULE, timesteps(n, steps), noise, eta=eta), oracle(x0))
    torch.testing.assert_close(out, x0, atol=1e-10, rtol=0)


def test_ddpm_gives_the_oracles_picture_back() -> None:
    noise = gaussian()
    x0 = noise().clamp(-1, 1)
    x_n = SCHEDULE.q_sample(x0, 400, noise())
    out = sample(samplers.ddpm(x_n, SCHEDULE, timesteps(400, 100), noise), oracle(x0))
    torch.testing.assert_close(out, x0, atol=1e-10, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_every_marginal_keeps_its_variance(eta: float) -> None:
    """With the oracle, x_t stays distributed as q(x_t | x0) all the way: Song et al. lemma 1."""
    noise = gaussian(shape=(1, 3, 128, 128))
    x0 = torch.zeros(1, 3, 128, 128, dtype=torch.float64)
    variances = {}

    def watched(x: Tensor, t: int) -> Denoised:
        variances[t] = x.var().item()
        return oracle(x0)(x, t)

    # The first call comes one stride below N (published code); start there to be exact.
    x_n = SCHEDULE.q_sample(x0, 396, noise())
    sample(samplers.ddim(x_n, SCHEDULE, timesteps(400, 100), noise, eta=eta), watched)
    for t, variance in variances.items():
        assert math.isclose(variance, 1 - SCHEDULE.alpha_bar[t], rel_tol=0.05)


def score_of_a_gaussian(mean: float, std: float) -> Denoiser:
    """The exact denoiser of a prior N(mean, std²): E[x0 | x_t] in closed form."""

    def denoise(x: Tensor, t: int) -> Denoised:
        a = SCHEDULE.alpha_bar[t]
        gain = math.sqrt(a) * std**2 / (a * std**2 + 1 - a)
        x0 = mean + gain * (x - math.sqrt(a) * mean)
        return Denoised(x0, eps_from_x0(x, x0, a))

    return denoise


@pytest.mark.parametrize("sampler", ["ddim0", "ddim1", "ddpm"])
def test_samples_of_a_gaussian_prior_have_its_moments(sampler: str) -> None:
    noise = gaussian(shape=(1, 3, 100, 100))
    denoise, visited = score_of_a_gaussian(0.3, 0.2), timesteps(999, 999)
    if sampler == "ddpm":
        x = sample(samplers.ddpm(noise(), SCHEDULE, visited, noise), denoise)
    else:
        x = sample(
            samplers.ddim(noise(), SCHEDULE, visited, noise, eta=float(sampler[-1])), denoise
        )
    assert abs(x.mean().item() - 0.3) < 0.01
    assert abs(x.std().item() - 0.2) < 0.01


def test_deterministic_ddim_draws_no_noise() -> None:
    def forbidden() -> Tensor:
        raise AssertionError("noise was drawn")

    x0 = torch.zeros(1, 3, 8, 8)
    sample(samplers.ddim(x0 + 1, SCHEDULE, timesteps(100, 5), forbidden, eta=0.0), oracle(x0))


def test_progress_sees_every_step() -> None:
    seen: list[int] = []

    def track(steps: Any) -> Any:
        for step in steps:
            seen.append(step[0])
            yield step

    x0 = torch.zeros(1, 3, 8, 8)
    sample(samplers.ddim(x0, SCHEDULE, timesteps(100, 5), lambda: x0, track=track), oracle(x0))
    assert seen == [80, 60, 40, 20, 0]


class TestFromNetwork:
    """Networks of both kinds become the same denoiser."""

    def test_eps_and_x0_networks_agree(self) -> None:
        x0 = torch.rand(2, 3, 8, 8) * 2 - 1
        eps = torch.randn(2, 3, 8, 8)
        x_t = SCHEDULE.q_sample(x0, 200, eps)
        a = from_network(lambda x, t: eps, SCHEDULE, "eps")(x_t, 200)
        b = from_network(lambda x, t: x0, SCHEDULE, "x0")(x_t, 200)
        torch.testing.assert_close(a.x0, b.x0, atol=1e-4, rtol=0)
        torch.testing.assert_close(a.eps, b.eps, atol=1e-4, rtol=0)

    def test_x0_is_clipped_and_a_networks_eps_is_not(self) -> None:
        d = from_network(lambda x, t: torch.full_like(x, 3.0), SCHEDULE, "eps")
        out = d(torch.full((1, 3, 4, 4), 40.0), 500)
        assert out.x0.max() == 1.0
        assert out.eps.unique().item() == 3.0

    def test_learned_variance_is_split_off(self) -> None:
        def network(x: Tensor, t: Tensor) -> Tensor:
            return torch.cat([x, torch.full_like(x, 0.25)], dim=1)

        out = from_network(network, SCHEDULE)(torch.randn(1, 3, 4, 4), 10)
        assert out.eps.shape == (1, 3, 4, 4)
        assert out.variance is not None
        assert out.variance.unique().item() == 0.25

    def test_unknown_prediction_is_refused(self) -> None:
        with pytest.raises(ValueError, match="predicts"):
            from_network(lambda x, t: x, SCHEDULE, "v")

    def test_conversions_are_inverse(self) -> None:
        x_t, eps = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
        x0 = x0_from_eps(x_t, eps, 0.4)
        torch.testing.assert_close(eps_from_x0(x_t, x0, 0.4), eps, atol=1e-5, rtol=1e-5)
