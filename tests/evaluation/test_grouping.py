"""Groups by what the manifest tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from difface_cli.base.errors import UsageError
from difface_cli.degradations import Ranges
from difface_cli.degradations import sets as degrading
from difface_cli.degradations.sets import Plan, manifest
from difface_cli.degradations.sets.manifest import Entry
from difface_cli.evaluation.grouping import labels


def written(place: Path, plan: Plan, count: int = 30) -> dict[str, float]:
    """Write a manifest; stem → scale."""
    entries = []
    for i in range(count):
        treatment = degrading.treatment(plan, f"p{i}.jpg", f"{i:064x}")
        name = f"p{i}.png"
        outputs = {"picture": f"pictures/{name}", "mask": f"masks/{name}"}
        entries.append(Entry(f"p{i}.jpg", f"{i:064x}", treatment, outputs))
    place.write_bytes(manifest.dump(entries))
    drawn = {e.file[:-4]: e.treatment.degradation for e in entries}
    return {stem: d.scale if d else np.nan for stem, d in drawn.items()}


def test_the_scale_factor_is_sf(tmp_path: Path) -> None:
    scales = written(tmp_path / "m.jsonl", Plan())
    for by in ("sf", "scale"):
        found = labels(tmp_path / "m.jsonl", by, scales)
        assert {stem: label[0] for stem, label in found.items()} == scales
    assert found["p0"][1] == f"{scales['p0']:g}"


def test_many_numbers_are_put_in_classes_of_one_size(tmp_path: Path) -> None:
    scales = written(tmp_path / "m.jsonl", Plan("custom", draw=Ranges()), 50)
    found = labels(tmp_path / "m.jsonl", "sf", scales)
    sizes = {label: sum(other == label for other in found.values()) for label in found.values()}
    assert sorted(sizes.values()) == [10] * 5
    for stem, (_, name) in found.items():
        low, high = map(float, name.split(" to "))
        assert low * 0.99 <= scales[stem] <= high * 1.01


def test_words_are_groups_too(tmp_path: Path) -> None:
    scales = written(tmp_path / "m.jsonl", Plan("none", mask="box"))
    assert set(labels(tmp_path / "m.jsonl", "mask", scales).values()) == {("box", "box")}
    assert set(labels(tmp_path / "m.jsonl", "sf", scales).values()) == {("None", "none")}


def test_wrong_keys_and_other_pictures_are_refused(tmp_path: Path) -> None:
    scales = written(tmp_path / "m.jsonl", Plan())
    with pytest.raises(UsageError, match="nothing called 'colour'"):
        labels(tmp_path / "m.jsonl", "colour", scales)
    with pytest.raises(UsageError, match="none of these pictures"):
        labels(tmp_path / "m.jsonl", "sf", ["x", "y"])
    with pytest.raises(UsageError, match="cannot be read"):
        labels(tmp_path / "absent.jsonl", "sf", scales)
