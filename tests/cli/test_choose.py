"""`--choose` as a user gives it, with references and without what it needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from difface_cli import models
from difface_cli.cli.app import build
from difface_cli.faces.likeness import Likeness

QUICK = [
    "--steps",
    "1",
    "--n",
    "200",
    "--device",
    "cpu",
    "--precision",
    "fp32",
    "--gate",
    "off",
    "--samples",
    "2",
]


def difface(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture.resize((165, 195), Image.Resampling.LANCZOS).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are alike when both are bright, to a network of one number."""

    def embed(face: Any) -> Any:
        return np.array([face.mean() / 255], np.float32)

    monkeypatch.setattr(
        models, "with_likeness", lambda registry, ready: replace(ready, likeness=Likeness(embed))
    )


def test_one_result_is_written_and_the_choice_told_and_repeated(album: Path) -> None:
    result = difface("restore", "photo.png", "--choose", "consistency", *QUICK)
    assert result.exit_code == 0, result.output
    assert "of 2 by consistency" in result.output
    assert sorted(p.name for p in Path("restored").iterdir()) == ["photo.json", "photo.png"]
    record = json.loads(Path("restored/photo.json").read_text())
    choice = record["faces"][0]["choice"]
    assert choice["scores"][choice["sample"]] == max(choice["scores"])
    assert difface("replay", "restored/photo.json").exit_code == 0


def test_references_are_read_recorded_and_asked_for_again(album: Path, brightness: None) -> None:
    Path("her").mkdir()
    Image.open("photo.png").save("her/one.png")
    Image.new("RGB", (60, 60)).save("her/empty.png")
    Path("her/broken.jpg").write_bytes(b"no picture")
    Path("her/notes.txt").write_text("none either")
    wishes = ["--choose", "identity", "--reference-photos", "her"]
    result = difface("restore", "photo.png", *wishes, *QUICK)
    assert result.exit_code == 0, result.output
    assert "her/empty.png is left out" in result.output
    assert "her/broken.jpg is left out" in result.output
    record = json.loads(Path("restored/photo.json").read_text())
    assert [entry["path"] for entry in record["references"]] == ["her/one.png"]
    assert difface("replay", "restored/photo.json").exit_code == 0
    Path("her/one.png").unlink()
    result = difface("replay", "restored/photo.json")
    assert result.exit_code == 2
    assert "reference photo" in result.output


def test_references_without_a_face_are_refused(album: Path, brightness: None) -> None:
    Path("her").mkdir()
    wishes = ["--choose", "identity", "--reference-photos", "her"]
    assert "no photo in her" in difface("restore", "photo.png", *wishes, *QUICK).output
    Image.new("RGB", (60, 60)).save("her/empty.png")
    result = difface("restore", "photo.png", *wishes, *QUICK)
    assert result.exit_code == 2
    assert "None of 1 reference photos" in result.output
    assert not Path("restored").exists()


def test_what_it_needs_is_said(album: Path) -> None:
    result = difface("restore", "photo.png", "--choose", "identity", *QUICK)
    assert result.exit_code == 2
    assert "fetch-weights arcface" in result.output
    result = difface("restore", "photo.png", "--choose", "sharpness", *QUICK[:-2])
    assert result.exit_code == 2
    assert "--samples 4" in result.output
    result = difface("restore", "photo.png", "--reference-photos", "her", *QUICK)
    assert result.exit_code == 2
    assert "--choose identity" in result.output
