"""The schedule and its timesteps."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from difface_cli.method.schedule import (
    half_log_snr,
    linear,
    log_snr_timesteps,
    spaced,
    timesteps,
)


def test_linear_is_the_product_of_its_alphas() -> None:
    alpha_bar, product = linear().alpha_bar, 1.0
    assert len(alpha_bar) == 1000
    for t in range(1000):
        product *= 1 - (1e-4 + t * (0.02 - 1e-4) / 999)
        assert math.isclose(alpha_bar[t], product, rel_tol=1e-12)


def test_kappa_of_the_paper_falls_with_n() -> None:
    kappa = [a / (1 - a) for a in linear().alpha_bar]
    assert all(x > y for x, y in itertools.pairwise(kappa))


def test_published_spacing() -> None:
    assert timesteps(400, 100) == tuple(range(0, 400, 4))
    assert timesteps(400, 8) == (0, 50, 100, 150, 200, 250, 300, 350)


@given(st.integers(1, 999).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_timesteps_rise_from_zero_and_stay_below_n(n_steps: tuple[int, int]) -> None:
    n, steps = n_steps
    visited = timesteps(n, steps)
    assert len(visited) == steps
    assert visited[0] == 0
    assert visited[-1] < n
    assert all(a < b for a, b in itertools.pairwise(visited))


@pytest.mark.parametrize(("n", "steps"), [(10, 0), (10, 11), (0, 1), (10, -1)])
def test_impossible_spacings_are_refused(n: int, steps: int) -> None:
    with pytest.raises(ValueError, match="fit below"):
        timesteps(n, steps)
    with pytest.raises(ValueError, match="fit below"):
        log_snr_timesteps(linear(), n, steps)


@given(st.integers(1, 999).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_log_snr_timesteps_rise_from_zero_to_just_below_n(n_steps: tuple[int, int]) -> None:
    n, steps = n_steps
    visited = log_snr_timesteps(linear(), n, steps)
    assert len(visited) == steps
    assert visited[-1] == n - 1
    assert visited[0] == 0 or steps == 1
    assert all(a < b for a, b in itertools.pairwise(visited))


def test_log_snr_timesteps_lie_at_even_distances() -> None:
    schedule = linear(20_000, 5e-6, 1e-3)
    visited = log_snr_timesteps(schedule, 8_000, 20)
    levels = [half_log_snr(schedule.alpha_bar[t]) for t in visited]
    gaps = [a - b for a, b in itertools.pairwise(levels)]
    assert max(gaps[3:]) - min(gaps[3:]) < 0.05 * gaps[-1]  # the lowest are whole timesteps apart
    assert log_snr_timesteps(linear(), 260, 5) == (0, 5, 26, 93, 259)


def test_spaced_runs_down_and_ends_clean() -> None:
    schedule = linear()
    steps = spaced(schedule, timesteps(400, 4))
    assert [t for t, _, _ in steps] == [300, 200, 100, 0]
    assert steps[-1] == (0, schedule.alpha_bar[0], 1.0)
    assert steps[0][2] == steps[1][1]


def test_q_sample_has_the_stated_moments() -> None:
    schedule, t = linear(), 300
    x0 = torch.full((1, 3, 200, 200), 0.7)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    x = schedule.q_sample(x0, t, noise)
    a = schedule.alpha_bar[t]
    assert abs(x.mean().item() - math.sqrt(a) * 0.7) < 0.01
    assert abs(x.var().item() - (1 - a)) < 0.01
