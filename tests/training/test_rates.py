from __future__ import annotations

import pytest

from difface_cli.training.rates import rate
from difface_cli.training.recipe import Optimizer


def test_cosine_annealing_from_the_papers_rate_to_its_final_one() -> None:
    paper = Optimizer(rate=1e-4, final_rate=1e-6, decay="cosine")
    assert rate(paper, 0, 500_000) == 1e-4
    assert rate(paper, 250_000, 500_000) == pytest.approx((1e-4 + 1e-6) / 2)
    assert rate(paper, 500_000, 500_000) == pytest.approx(1e-6)


def test_milestones() -> None:
    halved = Optimizer(rate=1.0, decay="step", milestones=(10, 20), factor=0.5)
    assert [rate(halved, s, 30) for s in (9, 10, 19, 20, 29)] == [1, 0.5, 0.5, 0.25, 0.25]


def test_warm_up_is_a_ramp() -> None:
    warm = Optimizer(rate=1.0, decay="constant", warmup=4)
    assert [rate(warm, s, 9) for s in range(5)] == [0.25, 0.5, 0.75, 1, 1]
