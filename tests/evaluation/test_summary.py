"""Means, intervals and paired tests, against what must hold."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from difface_cli.evaluation.summary import compare, summarise

RNG = np.random.default_rng(0)


def test_the_interval_of_many_values_is_that_of_their_standard_error() -> None:
    values = RNG.normal(5, 2, size=400)
    found = summarise(values.tolist())
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draws = RNG.normal(3, 1, size=(200, 50))
    hits = sum(s.low <= 3 <= s.high for s in (summarise(row.tolist()) for row in draws))
    assert 0.88 <= hits / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    values = RNG.normal(size=30).tolist()
    assert summarise(values, 1) == summarise(values, 1) != summarise(values, 2)


def test_what_is_not_there_does_not_count() -> None:
    assert summarise([1.0, None, 3.0]).count == 2
    assert summarise([1.0, None, 3.0]).mean == 2
    alone = summarise([5.0])
    assert (alone.mean, math.isnan(alone.low)) == (5, True)
    assert summarise([None]).count == 0


@pytest.mark.parametrize("count", [1, 2, 9, 13])
def test_all_signs_of_few_pairs_are_tried(count: int) -> None:
    a, b = RNG.normal(size=count), RNG.normal(0.6, 1, size=count)
    signs = np.array(list(itertools.product((-1, 1), repeat=count)))
    as_far = np.abs(signs @ (b - a)) >= abs((b - a).sum()) - 1e-9
    assert compare(a.tolist(), b.tolist()).p == pytest.approx(as_far.mean())  # type: ignore[union-attr]


def test_many_pairs_come_near_students_test() -> None:
    a = RNG.normal(size=80)
    for shift in (0.0, 0.15, 0.3):
        b = a + RNG.normal(shift, 1, size=80)
        found = compare(a.tolist(), b.tolist())
        assert found is not None
        assert found.p == pytest.approx(stats.ttest_rel(b, a).pvalue, abs=0.03)
        assert found.mean == pytest.approx((b - a).mean())


def test_equal_series_do_not_differ_and_pairs_need_both() -> None:
    same = compare([1.0, 2.0, None], [1.0, 2.0, 7.0])
    assert same is not None
    assert (same.count, same.mean, same.p) == (2, 0, 1)
    assert compare([None, 1.0], [2.0, None]) is None
