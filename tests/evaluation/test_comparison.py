"""Sets, groups and comparisons, of values that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from difface_cli.evaluation import cache, catalogue, comparison, measurement
from difface_cli.evaluation.cache import Cache
from difface_cli.evaluation.comparison import Task, angle, report
from difface_cli.evaluation.folders import Pair
from difface_cli.evaluation.measurement import Instruments, Keyed
from difface_cli.evaluation.tables import Report
from difface_cli.metrics import frechet

RNG = np.random.default_rng(0)
TOOLS = Instruments()


def keyed(folder: str, count: int) -> list[Keyed]:
    return [
        Keyed(Pair(f"p{i}", Path(), Path()), f"{folder}/p{i}", f"truth/p{i}") for i in range(count)
    ]


def told(
    values: Cache, folders: Mapping[str, Sequence[Keyed]], names: tuple[str, ...], **options: Any
) -> Report:
    task = Task(catalogue.choose(names), TOOLS, values, **options)
    return report(task, folders, {}, {"by": "sf"})


def test_the_frechet_distance_of_a_set_with_fake_features() -> None:
    features = {name: RNG.normal(size=(40, 6)).astype(np.float32) for name in ("a", "truth")}
    with cache.opened(None) as values:
        for name, rows in features.items():
            for i, row in enumerate(rows):
                values.keep(f"{name}/p{i}", TOOLS.what("inception"), row)
        stats = {"inception": frechet.fit(features["a"])}
        found = told(values, {"a": keyed("a", 40)}, ("fid-g", "fid-f"), dataset=stats)
    expected = frechet.distance(frechet.fit(features["a"]), frechet.fit(features["truth"]))
    assert found.lines[0].values["fid-g"].mean == pytest.approx(expected, rel=1e-6)
    assert found.lines[0].values["fid-f"].mean == pytest.approx(0, abs=1e-6)


def test_landmarks_and_embeddings_become_distances_and_angles() -> None:
    with cache.opened(None) as values:
        values.keep("a/p0", TOOLS.what("landmarks"), np.zeros(10, np.float32))
        values.keep("truth/p0", TOOLS.what("landmarks"), np.tile([3, 4], 5).astype(np.float32))
        values.keep("a/p1", TOOLS.what("landmarks"), None)  # no face
        values.keep("truth/p1", TOOLS.what("landmarks"), np.zeros(10, np.float32))
        for i in range(2):
            values.keep(f"a/p{i}", TOOLS.what("embedding"), np.array([1, 0], np.float32))
            values.keep(f"truth/p{i}", TOOLS.what("embedding"), np.array([1, i], np.float32))
        found = told(values, {"a": keyed("a", 2)}, ("lmd", "ids", "found"))
    assert found.each["a"]["p0"] == {"lmd": 5, "ids": 0, "found": 1}
    assert found.each["a"]["p1"]["found"] == 0
    assert found.lines[0].values["found"].mean == 0.5
    assert found.each["a"]["p1"]["lmd"] is None
    assert found.each["a"]["p1"]["ids"] == pytest.approx(45)
    assert found.lines[0].values["lmd"].count == 1


def test_angles() -> None:
    x = RNG.normal(size=8).astype(np.float32)
    assert angle(x, 3 * x) == pytest.approx(0, abs=1e-3)
    assert angle(x, -x) == pytest.approx(180, abs=1e-3)


def kept_psnr(values: Cache, folder: str, psnr: Sequence[float]) -> list[Keyed]:
    pairs = keyed(folder, len(psnr))
    for pair, value in zip(pairs, psnr, strict=True):
        values.keep(pair.both, TOOLS.what("psnr"), value)
    return pairs


def test_groups_come_in_the_order_of_their_numbers() -> None:
    groups = {"p0": (16.0, "16"), "p1": (4.0, "4"), "p2": (16.0, "16")}
    with cache.opened(None) as values:
        pairs = kept_psnr(values, "a", (20.0, 30.0, 22.0))
        found = told(values, {"a": pairs}, ("psnr",), groups=groups)
    assert [(line.group, line.count, line.values["psnr"].mean) for line in found.lines] == [
        ("", 3, 24), ("4", 1, 30), ("16", 2, 21),
    ]  # fmt: skip


def test_folders_are_compared_on_the_pictures_that_both_have() -> None:
    with cache.opened(None) as values:
        a = kept_psnr(values, "a", [20.0] * 10)
        b = kept_psnr(values, "b", [21.0] * 10)[:8]
        found = told(values, {"a": a, "b": b}, ("psnr",), paired=True)
    assert not found.lines[0].against
    difference = found.lines[1].against["psnr"]
    assert (difference.count, difference.mean) == (8, 1)
    assert difference.p == pytest.approx(2 / 2**8)


def test_all_that_is_measured_is_in_the_catalogue() -> None:
    from difface_cli.evaluation import networks, pixels

    known = set(catalogue.MEASURES)
    assert set(pixels.QUICK) <= known
    assert set(comparison.DERIVED) <= known
    taken = {*pixels.QUICK, *comparison.DERIVED, *networks.BY_DETECTOR}
    assert {m.name for m in catalogue.MEASURES.values() if not m.weights} <= taken
    assert measurement.VERSION == catalogue.VERSION
