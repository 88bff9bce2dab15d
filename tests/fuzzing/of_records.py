"""Bad records, manifests and recipes, and bad words on the command line."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from difface_cli.base.errors import DifFaceError, UsageError
from difface_cli.base.hashing import sha256
from difface_cli.cli import convert, values
from difface_cli.degradations import Degradation, OldPhoto
from difface_cli.degradations.sets import Treatment, apply, manifest
from difface_cli.images import Photo
from difface_cli.records import reading
from difface_cli.runs import manifest as run_manifests
from difface_cli.runs import replay
from difface_cli.runs.index import Index
from difface_cli.sweep import apply as applying
from difface_cli.sweep import picks
from difface_cli.training import making, recipe
from difface_cli.training.scenes.album import Album
from difface_cli.weights import registry

from . import seeds
from .of_networks import CPU, SMALL
from .target import Target, put
from .trees import NASTY, json_files, toml_files

ROOT = Path(__file__).parents[2]
CELL = {
    **{"n": 100, "eta": 0.5, "seed": 0, "steps": 10, "estimator": "mine", "seconds": 1.0},
    **{"metrics": {"sharpness": 1.0}, "file": "cells/a.png", "data": "cells/a.safetensors"},
}
SWEPT = {
    **{"schema": 1, "status": "finished", "identity": {"photo": "x"}, "versions": {"torch": "1"}},
    "photo": {"path": "photo.png", "from_folder": "../photo.png", "sha256": "0" * 64},
    "model": {"name": "m", "parts": {"prior": "p"}, "weights": {"p": "0"}, "image_size": 32},
    "settings": {"aligned": False, "gray": "auto"},
    "faces": [
        {
            **{
                "index": 0,
                "box": [1, 2, 30, 40],
                "score": 0.9,
                "cells": [CELL, {**CELL, "n": 200}],
            },
            "landmarks": [[1.0, 2.0], [3.0, 2.0], [2.0, 3.0], [1.0, 4.0], [3.0, 4.0]],
        }
    ],
}


def sweep(data: bytes, folder: Path) -> None:
    """The record of a sweep, up to the choice of a cell in it."""
    put(folder, "sweep.json", data)
    swept = applying.read(folder, None)
    swept.choose("n=100", ())
    applying.load(swept, registry.load(), CPU, None, None)


RECORD = {
    **{"schema": 1, "task": "restore", "outputs": ["a.png"], "versions": {"torch": "1"}},
    "input": {"path": "photo.png", "from_record": "photo.png", "sha256": "a" * 64},
    "model": {
        **{"name": "starter", "weights": {}, "image_size": 256},
        "parts": {f"{part}": f"starter-{part}" for part in ("prior", "estimator", "detector")},
    },
    "settings": {
        **{"n": 200, "steps": 5, "eta": 0.25, "sampler": "ddim", "seed": 3, "samples": 1},
        **{"strength": 0.5, "aligned": False, "faces": "0,1", "min_face": 20.0, "upscale": 1},
        **{"gray": "on", "batch": 4, "detect_size": 640, "device": "cpu", "quality": 80},
        "precision": "float32",
    },
}
POINTS = [1, 2, 6, 2.5, 4, 5, 2, 7, 6, 7]
FILLING = RECORD | {
    "task": "inpaint",
    "mask": {
        "wish": {"source": "m.png", "threshold": 0.5, "invert": True, "grow": 2},
        **{"sha256": "b" * 64, "faces": [{"box": [0, 0, 9, 9], "landmarks": POINTS}]},
    },
}


def record(data: bytes, folder: Path) -> None:
    """A record beside a result, up to where its run would begin again."""
    photo = put(folder, "photo.png", b"no picture")
    run = reading.read(put(folder, "photo.json", data))
    with suppress(DifFaceError):  # the photo is not there
        replay.prepare(run, registry.load(), None, "cpu")
    replay.prepare(replace(run, sha256=sha256(photo)), registry.load(), photo, "cpu")


DEGRADED = manifest.Entry(
    "a/b.png",
    "0" * 64,
    Treatment("train", Degradation(2.0, 1.0, 0.1, 4.0, 5.0, 60), OldPhoto(0.5), "box", 1, 64, 0),
    {"picture": "a/b.png"},
)
LINE = json.loads(manifest.dump([DEGRADED]))


def degraded(data: bytes, folder: Path) -> None:
    """A manifest of degraded pictures, and making them again."""
    photo = Photo(seeds.smooth())
    for entry in manifest.load(put(folder, "manifest.jsonl", data)).values():
        apply(photo, entry.treatment)


RECIPES = tuple(
    tomllib.loads(path.read_text()) for path in sorted((ROOT / "configs").rglob("*.toml"))
)
TINY_RECIPES = tuple(
    {
        **{"task": "estimator", "network": name, "params": params, "steps": 10, "size": 64},
        "optimizer": {"name": "adam", "rate": 1e-3, "betas": [0.9, 0.99], "milestones": [3]},
        "goal": {"degradation": "none", "masks": {"box": 1.0}},
        "every": {"log": 1},
    }
    for name, params in SMALL.items()
)


def training(data: bytes, folder: Path) -> None:
    """A recipe, and its network where it is small."""
    text = put(folder, "recipe.toml", data)
    read = recipe.read(text, "prior" if b"prior" in data else "estimator")
    if read.steps <= 10 or read.network not in SMALL:
        making.network(read)


DONE = run_manifests.Entry(
    photo="a/b.png",
    input="/scans/a/b.png",
    sha256="0" * 64,
    stamp=run_manifests.Stamp(1, 2, 3),
    settings="0" * 16,
    status="restored",
    outputs={"a/b.png": "1" * 64},
    error="",
    seconds={"total": 1.0},
    finished="2026-01-01T00:00:00+00:00",
)


def done() -> dict[str, Any]:
    """A line of a run's manifest."""
    with tempfile.TemporaryDirectory() as folder:
        run_manifests.append(Path(folder), DONE)
        line: dict[str, Any] = json.loads(Path(folder, run_manifests.NAME).read_text())
    return line


def run_manifest(data: bytes, folder: Path) -> None:
    """The manifest of a run over a folder, taken up again."""
    put(folder, run_manifests.NAME, data + b"\n")
    run_manifests.mend(folder)
    with (
        closing(Index(folder, folder / "index")) as index,
        (folder / run_manifests.NAME).open("rb") as lines,
    ):
        for number, line in enumerate(lines, 1):
            entry = index.get(run_manifests.parsed(line, number, folder).photo)
            assert entry is not None
            entry.holds(folder, folder / "b.png", DONE.settings)


PORTRAITS = [
    {
        **{"id": "a", "split": "train", "box": [1, 2, 30, 40]},
        "landmarks5": [[1, 2], [3, 2], [2, 3], [1, 4], [3, 4]],
    }
]


def album(data: bytes, folder: Path) -> None:
    """The portraits that a detector learns from."""
    put(folder, "manifest.json", data)
    Album.of("train", folder)


def params(data: bytes, folder: Path) -> None:
    """--params of difface convert."""
    convert._read(put(folder, "params.json", data))


# What is typed

TYPED = st.one_of(
    st.text("0123456789.:,-+eEinfax= ", max_size=30),
    st.sampled_from([repr(value) for value in NASTY if isinstance(value, (int, float))]).flatmap(
        lambda n: st.sampled_from([n, f"{n}:{n}", f"0:{n}:1", f"0:1:{n}", f"n={n}", f"0:n={n}"])
    ),
    st.text(max_size=10),
)


def typed(text: str, folder: Path) -> None:
    """Ranges of values, and picks of cells."""
    tries: tuple[Callable[[], object], ...] = (
        lambda: values.whole(text, "--n"),
        lambda: values.real(text, "--eta"),
        lambda: values.names(text, "--estimator"),
        lambda: picks.choose({0: [CELL]}, text, ()),
        lambda: picks.choose({0: [CELL]}, None, (text,)),
    )
    for attempt in tries:
        try:
            attempt()
        except UsageError:
            continue


TARGETS = {
    "record": Target(json_files(RECORD, FILLING), record),
    "sweep record": Target(json_files(SWEPT), sweep),
    "manifest": Target(json_files(LINE), degraded),
    "run manifest": Target(json_files(done()), run_manifest),
    "recipe": Target(toml_files(*RECIPES, *TINY_RECIPES), training),
    "album": Target(json_files(PORTRAITS), album),
    "params": Target(json_files(SMALL["unet"]), params),
    "typed": Target(TYPED, typed),
}
