"""A manifest tells everything, and refuses what it did not write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from difface_cli.base.errors import UsageError
from difface_cli.degradations import OldPhoto
from difface_cli.degradations.sets import Plan, manifest, treatment
from difface_cli.degradations.sets.manifest import Entry

HASH = "cd" * 32
PLANS = [
    Plan(),
    Plan("train", mask="lama", size=256, seed=4),
    Plan("bicubic-x8", age=OldPhoto(sepia=0.3, scratches=4, halftone=5.5)),
    Plan("none", mask="half"),
]


def entry(plan: Plan, file: str = "a/b.jpg") -> Entry:
    return Entry(file, HASH, treatment(plan, file, HASH), {"picture": "a/b.png"})


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.recipe)
def test_what_was_written_is_read_back_exactly(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / manifest.NAME
    path.write_bytes(manifest.dump([entry(plan, "é.jpg"), entry(plan, "b\udcff.jpg")]))
    assert manifest.load(path) == {f: entry(plan, f) for f in ("é.jpg", "b\udcff.jpg")}


def test_lines_come_by_name_and_have_a_plain_scale() -> None:
    lines = manifest.dump([entry(PLANS[0], name) for name in ("b", "a")]).decode().splitlines()
    first, second = map(json.loads, lines)
    assert [first["file"], second["file"]] == ["a", "b"]
    assert first["scale"] in range(4, 41, 4)
    assert {"sha256", "recipe", "seed", "noise", "quality", "mask", "outputs"} <= set(first)
    sharp = json.loads(manifest.dump([entry(PLANS[3])]))
    assert sharp["scale"] is None
    assert sharp["mask"] == "half"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scale": "8"}, "scale"),
        ({"scale": -1}, "scale"),
        ({"noise": True}, "noise"),
        ({"quality": 0}, "quality"),
        ({"file": "../x.jpg"}, "not in its folder"),
        ({"file": "/x.jpg"}, "not in its folder"),
        ({"file": ""}, "not in its folder"),
        ({"sigma_x": float("nan")}, "finite"),
        ({"mask": "circle"}, "circle"),
        ({"mask_seed": -1}, "seed"),
        ({"noise_seed": -1}, "seed"),
        ({"size": 0}, "size"),
        ({"recipe": None}, "recipe"),
        ({"age": {"sepia": 7}}, "sepia"),
        ({"age": {"scratches": 1.5}}, "scratches"),
        ({"extras": 3}, "extras: it is 3 and should be a table"),
        ({"outputs": 3}, "outputs is 3 and should be a table"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_value_is_named(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    line = json.loads(manifest.dump([entry(PLANS[1])]))
    line |= {"extras": line["extras"] | change["age"]} if "age" in change else change
    path = tmp_path / "m.jsonl"
    path.write_text(manifest.dump([entry(PLANS[0])]).decode() + json.dumps(line))
    with pytest.raises(UsageError, match=r"Line 2 of .*m\.jsonl") as refused:
        manifest.load(path)
    assert told in refused.value.message


@pytest.mark.parametrize("key", ["file", "sha256", "scale", "gray", "mask_seed", "extras", "size"])
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    line = json.loads(manifest.dump([entry(PLANS[0])]))
    del line[key]
    (tmp_path / "m").write_text(json.dumps(line))
    with pytest.raises(UsageError, match=f": {key} is missing"):
        manifest.load(tmp_path / "m")


@pytest.mark.parametrize("content", [b"no json", b"[1]", b"\xff\xfe"])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(UsageError):
        manifest.load(tmp_path / "m")
    with pytest.raises(UsageError, match="cannot be read"):
        manifest.load(tmp_path / "absent")


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"a":' * 100_000)
    with pytest.raises(UsageError, match="Line 1 of"):
        manifest.load(path)
