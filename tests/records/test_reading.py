"""A record is read back whole, and nothing in it is believed unchecked."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from difface_cli.base.errors import RecordError
from difface_cli.method.difface import Settings
from difface_cli.records import reading
from difface_cli.tasks import Colorize, Inpaint
from difface_cli.tasks.options import Options

RECORD: dict[str, Any] = {
    "schema": 1,
    "input": {"path": "photo.png", "sha256": "ab" * 32},
    "outputs": ["restored/photo.png"],
    "model": {"name": "starter", "parts": {"prior": "p"}, "weights": {"p": "cd" * 32}},
    "settings": {
        "n": 200, "steps": 5, "eta": 0.25, "sampler": "ddpm", "seed": 3, "samples": 1,
        "strength": 0.5, "aligned": False, "faces": "largest", "min_face": 20.0, "upscale": 2,
        "gray": "on", "batch": 4, "detect_size": 640, "device": "cuda:1",
        "precision": "bfloat16", "quality": 80,
    },
    "faces": [],
    "versions": {"torch": "2.7"},
}  # fmt: skip
FILLING: dict[str, Any] = {
    "mask": {
        "source": "m.png",
        "wish": {"source": "m.png", "threshold": 0.5, "invert": True, "grow": 2},
        "sha256": "ef" * 32,
        "faces": [
            {"box": [0, 0, 9, 9], "landmarks": [1, 2, 6, 2.5, 4, 5, 2, 7, 6, 7]},
        ],
    }
}
NOTHING = object()


def write(folder: Path, record: Any) -> Path:
    path = folder / "photo.json"
    path.write_text(record if isinstance(record, str) else json.dumps(record))
    return path


def changed(record: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    """A copy with one value changed, or taken away."""
    made = copy.deepcopy(record)
    *inner, last = dotted.split(".")
    table: Any = made
    for key in inner:
        table = table[int(key) if key.isdigit() else key]
    if value is NOTHING:
        del table[last]
    else:
        table[last] = value
    return made


def test_an_old_record_is_read_with_every_setting(tmp_path: Path) -> None:
    run = reading.read(write(tmp_path, RECORD))
    assert run.task.name == "restore"
    assert run.options == Options(
        settings=Settings(200, 5, 0.25, "ddpm"), seed=3, strength=0.5, faces="largest",
        min_face=20.0, upscale=2, gray="on", batch=4,
    )  # fmt: skip
    assert (run.device, run.precision, run.quality, run.detect_size) == (
        "cuda",
        "bf16",
        80,
        640,
    )
    assert not run.compiled  # which old records do not tell
    assert run.output_sha256 == ()
    assert run.holes_sha256 == ""


def test_the_seeds_of_then_are_read(tmp_path: Path) -> None:
    faces = [{"index": 0, "seeds": [5, 6]}, {"index": 1, "seeds": []}]
    assert reading.read(write(tmp_path, RECORD | {"faces": faces})).seeds == {0: (5, 6)}


def test_tasks_of_old_records_are_told_by_what_only_they_have(tmp_path: Path) -> None:
    colouring = changed(RECORD, "settings.desaturate", True)
    run = reading.read(write(tmp_path, colouring | {"settings": colouring["settings"]}))
    assert isinstance(run.task, Colorize)
    assert run.task.desaturate


def test_a_fillings_holes_and_faces_are_read(tmp_path: Path) -> None:
    run = reading.read(write(tmp_path, RECORD | FILLING))
    assert isinstance(run.task, Inpaint)
    assert run.task.wish.invert
    assert run.task.wish.grow == 2
    assert run.options.by_hand[0].landmarks.tolist()[1] == [6, 2.5]
    assert run.holes_sha256 == "ef" * 32
    with pytest.raises(RecordError, match="before records told all"):
        reading.read(write(tmp_path, RECORD | {"mask": {"source": "m.png"}}))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", "\x00", "[" * 100_000, '{"schema": 1e999}', '{"schema": ' + "9" * 5000],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordError):
        reading.read(write(tmp_path, text))


def test_a_missing_file_a_folder_and_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "bytes.json"):
        with pytest.raises(RecordError, match=r"does not exist|cannot be read"):
            reading.read(path)


def test_pasted_cells_are_sent_to_their_command(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="sweep") as caught:
        reading.read(write(tmp_path, RECORD | {"sweep": "photo_sweep"}))
    assert "difface apply" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 3),
        ("schema", True),
        ("task", "delete"),
        ("input", []),
        ("input.path", 7),
        ("input.path", "a\0b"),
        ("input.path", "a" * 5000),
        ("input.sha256", "AB" * 32),
        ("input.sha256", NOTHING),
        ("outputs", []),
        ("outputs", "restored/photo.png"),
        ("outputs", [3]),
        ("output_sha256", ["ab" * 32, "ab" * 32]),
        ("output_sha256", ["zz"]),
        ("model.name", NOTHING),
        ("model.image_size", -1),
        ("model.parts", {"prior": 3}),
        ("model.parts", {"virus": "p"}),
        ("model.weights", {"p": "short"}),
        ("settings", NOTHING),
        ("settings.n", NOTHING),
        ("settings.n", "200"),
        ("settings.n", -1),
        ("settings.n", 10**30),
        ("settings.steps", 2.5),
        ("settings.eta", float("nan")),
        ("settings.eta", 2),
        ("settings.sampler", "rm -rf"),
        ("settings.seed", True),
        ("settings.seed", NOTHING),
        ("settings.samples", 10**6),
        ("settings.strength", float("inf")),
        ("settings.aligned", 1),
        ("settings.faces", ["0"]),
        ("settings.faces", "1" * 5000),
        ("settings.detect_size", 10**9),
        ("settings.device", None),
        ("settings.precision", "float64"),
        ("settings.quality", 0),
        ("versions.torch", 2.7),
        ("mask.wish.threshold", "white"),
        ("mask.wish.grow", 10**9),
        ("mask.wish.invert", NOTHING),
        ("mask.sha256", NOTHING),
        ("mask.faces.0.box", [0, 0, 9]),
        ("mask.faces.0.landmarks", [1e9] * 10),
        ("mask.faces.0.landmarks", [3] * 10),
        ("mask.faces.0.landmarks", ["a"] * 10),
        ("faces", [{"index": 0, "seeds": [1 << 64]}]),
        ("faces", [{"index": "0"}]),
    ],
)
def test_every_wrong_value_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    whole = RECORD | (FILLING if key.startswith("mask") else {})
    with pytest.raises(RecordError) as caught:
        reading.read(write(tmp_path, changed(whole, key, value)))
    assert caught.value.hint
    assert len(caught.value.message) < 600
