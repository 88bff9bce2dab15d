from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from difface_cli.method.schedule import linear
from difface_cli.training import vlb

SCHEDULE = linear()


def noised(t: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(t)
    x0 = (torch.rand(1, 3, 4, 4, generator=g) * 255).round() / 127.5 - 1
    noise = torch.randn(1, 3, 4, 4, generator=g)
    return x0, noise, SCHEDULE.q_sample(x0, t, noise), torch.tensor([t])


@pytest.mark.parametrize("t", [1, 20, 500, 999])
def test_the_true_posterior_has_no_divergence(t: int) -> None:
    x0, noise, x_t, step = noised(t)
    smallest = -torch.ones_like(noise)
    out = torch.cat([noise, smallest], 1)
    assert float(vlb.terms(SCHEDULE, x0, x_t, step, out)) == pytest.approx(0, abs=2e-4)


@pytest.mark.parametrize("t", [3, 300])
def test_the_term_is_the_divergence_from_the_posterior(t: int) -> None:
    x0, _, x_t, step = noised(t)
    g = torch.Generator().manual_seed(9)
    eps = 0.3 * torch.randn(1, 3, 4, 4, generator=g)
    fraction = torch.rand(1, 3, 4, 4, generator=g) * 2 - 1
    a, a_prev = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t - 1]
    beta = 1 - a / a_prev

    def posterior_mean(x: torch.Tensor) -> torch.Tensor:
        return (math.sqrt(a_prev) * beta * x + math.sqrt(1 - beta) * (1 - a_prev) * x_t) / (1 - a)

    guess = ((x_t - math.sqrt(1 - a) * eps) / math.sqrt(a)).clamp(-1, 1)
    small = beta * (1 - a_prev) / (1 - a)
    p = Normal(posterior_mean(x0).double(), math.sqrt(small))
    share = (fraction.double() + 1) / 2
    log_variance = share * math.log(beta) + (1 - share) * math.log(small)
    q = Normal(posterior_mean(guess).double(), log_variance.exp().sqrt())
    expected = kl_divergence(p, q).mean() / math.log(2)  # type: ignore[no-untyped-call]
    term = vlb.terms(SCHEDULE, x0, x_t, step, torch.cat([eps, fraction], 1))
    assert float(term) == pytest.approx(float(expected), rel=1e-3)


def test_the_likelihoods_of_all_grey_values_add_up_to_one() -> None:
    values = torch.arange(256) / 127.5 - 1
    for mean, log_variance in ((0.1, -4.0), (-0.99, -6.0), (1.2, -2.0)):
        logs = vlb._log_likelihood(values, torch.tensor(mean), torch.tensor(log_variance))
        assert float(logs.exp().sum()) == pytest.approx(1, abs=1e-3)


def test_the_last_step_is_paid_in_bits_of_the_pixels() -> None:
    x0, noise, x_t, step = noised(0)
    right = vlb.terms(SCHEDULE, x0, x_t, step, torch.cat([noise, -torch.ones_like(noise)], 1))
    wrong = vlb.terms(SCHEDULE, x0, x_t, step, torch.cat([noise + 3, -torch.ones_like(noise)], 1))
    assert 0 < float(right) < float(wrong)
