"""The record holds every choice, and nothing that JSON cannot."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.method.difface import Settings
from difface_cli.method.schedule import linear
from difface_cli.models import Ready
from difface_cli.records import record as records
from difface_cli.records.record import Files
from difface_cli.tasks import Found, Restore, Result, Scene
from difface_cli.tasks.options import Options
from difface_cli.weights.registry import Model

MODEL = Model("tiny", "restore", MappingProxyType({"prior": "p"}), image_size=64)
NONE: Any = None
READY = Ready(
    MODEL, NONE, NONE, NONE, linear(), None, None, None, torch.device("cpu"), torch.bfloat16,
    MappingProxyType({"p": "ab" * 32}),
)  # fmt: skip
FACE = Face((1.23456, 2.0, 30.0, 40.0), FFHQ_TEMPLATE_512 / 16, np.float32(0.98))  # type: ignore[arg-type]


def record(options: Options) -> dict[str, Any]:
    found = (Found(0, FACE, "", (2**62,)), Found(1, FACE, "not chosen"))
    photo = Photo(np.zeros((20, 30, 3), np.uint8))
    seconds = MappingProxyType({"detect": 0.12345})
    scene = Scene(photo, photo, "cd" * 32)
    result = Result(scene, (photo,), found, (), {}, False, seconds)
    files = Files("in.png", "cd" * 32, ["out.png"], 90)
    made = records.record(result, READY, Restore(), options, files, 1.5)
    again: dict[str, Any] = json.loads(json.dumps(made))
    return again


def test_every_option_and_setting_is_recorded() -> None:
    settings = record(Options())["settings"]
    for field in (*fields(Options), *fields(Settings)):
        assert field.name in ("settings", "by_hand") or field.name in settings
    assert settings["precision"] == "bfloat16"
    assert settings["quality"] == 90


def test_a_changed_choice_shows() -> None:
    plain = record(Options())["settings"]
    other = record(replace(Options(), seed=9, settings=Settings(n=123)))["settings"]
    assert {k for k in plain if plain[k] != other[k]} == {"seed", "n"}


def test_faces_say_what_became_of_them_and_seeds_survive_json() -> None:
    restored, left = record(Options())["faces"]
    assert restored["restored"]
    assert restored["skipped"] is None
    assert restored["seeds"] == [2**62]
    assert restored["box"][0] == 1.23
    assert restored["landmarks"] == FACE.landmarks.tolist()  # not rounded: replay follows them
    assert not left["restored"]
    assert left["skipped"] == "not chosen"


def test_says_what_was_invented_and_with_what() -> None:
    made = record(Options())
    assert "no evidence of identity" in made["notice"]
    model = {"name": "tiny", "parts": {"prior": "p"}, "weights": {"p": "ab" * 32}}
    assert made["model"] == model | {"image_size": 64}
    assert {"python", "torch", "numpy", "pillow", "facexlib"} <= set(made["versions"])
    assert made["size"] == [30, 20]
