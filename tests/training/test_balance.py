from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from difface_cli.training import balance

PEOPLE = (
    [{"sex": "f", "skin": "d"}] + 3 * [{"sex": "f", "skin": "l"}] + 4 * [{"sex": "m", "skin": "l"}]
)


def share(w: np.ndarray, key: str, value: str) -> float:
    return sum(x for x, entry in zip(w, PEOPLE, strict=True) if entry[key] == value) / sum(w)


def test_shares_of_several_keys_are_met_at_once() -> None:
    w = balance.weights(PEOPLE, {"sex": {"f": 2, "m": 1}, "skin": {"d": 1, "l": 3}})
    assert share(w, "sex", "f") == pytest.approx(2 / 3, abs=1e-3)
    assert share(w, "skin", "d") == pytest.approx(1 / 4, abs=1e-3)
    assert w.mean() == pytest.approx(1)


def test_no_picture_is_lost_or_shown_over_and_over() -> None:
    few = [{"sex": "f"}] + 99 * [{"sex": "m"}]
    w = balance.weights(few, {"sex": {"f": 1, "m": 1}})
    assert w.max() / w.mean() <= balance.MOST * 1.01


def test_who_is_not_in_the_shares_keeps_what_they_have() -> None:
    w = balance.weights([*PEOPLE, *8 * [{}]], {"sex": {"f": 3, "m": 1}})
    assert w[8:].sum() / w.sum() == pytest.approx(0.5)


def test_an_epoch_shows_each_picture_as_often_as_its_weight_says() -> None:
    w = balance.weights(PEOPLE, {"sex": {"f": 3, "m": 1}})
    epochs = [balance.order(w, np.random.default_rng(i)) for i in range(500)]
    counts = np.bincount(np.concatenate(epochs), minlength=len(w)) / 500
    np.testing.assert_allclose(counts, w, atol=0.1)
    even = balance.order(np.ones(5), np.random.default_rng(0))
    assert sorted(even.tolist()) == [0, 1, 2, 3, 4]


def test_labels_come_from_the_manifest_above_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps([{"id": "a", "sex": "f"}, {"id": "b"}]))
    paths = [tmp_path / "train" / name for name in ("a.jpg", "c.jpg")]
    assert balance.labels(paths) == [{"id": "a", "sex": "f"}, {}]


def test_a_person_is_on_one_side_with_all_their_pictures(tmp_path: Path) -> None:
    people = [{"id": f"a{i}", "person": i // 2} for i in range(2, 1002)]
    (tmp_path / "manifest.json").write_text(json.dumps(people))
    paths = [tmp_path / "train" / f"a{i}.jpg" for i in range(1002)]
    learned, kept = balance.split(paths, 0.1)
    assert sorted(learned + kept) == sorted(paths)
    assert 0.05 < len(kept) / len(paths) < 0.15
    side = {path.stem: path in kept for path in paths}
    assert all(side[f"a{i}"] == side[f"a{i + 1}"] for i in range(2, 1002, 2))


def test_a_picture_stays_on_its_side_whatever_others_there_are(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.jpg" for i in range(200)]
    _, kept = balance.split(paths, 0.2)
    _, fewer = balance.split(paths[:100], 0.2)
    assert fewer == [path for path in kept if path in paths[:100]]
