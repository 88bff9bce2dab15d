"""`--choose` as a user gives it, with references and without what it needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from typer.testing import CliRunner

from difface_cli import models
from difface_cli.cli.app import build
from difface_cli.faces import align
from difface_cli.faces.identity import build_dlib
from difface_cli.faces.likeness import Likeness, Recognition
from difface_cli.weights import dlib, registry, store

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


def test_a_guided_face_is_drawn_nearer_to_the_person_and_comes_out_again(album: Path) -> None:
    Path("her").mkdir()
    Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260)).save("her/one.png")
    Image.open("photo.png").resize((55, 65)).resize((165, 195)).save("photo.png")
    wishes = ["--reference-photos", "her", *QUICK[:-2], "--steps", "4"]
    apart = []
    for guide in ("1", "0"):
        told = [*wishes, "--guide", guide] if guide != "0" else wishes[2:]
        result = difface("restore", "photo.png", "-o", f"out {guide}", *told)
        assert result.exit_code == 0, result.output
        record = json.loads(Path(f"out {guide}/photo.json").read_text())
        apart.append(recognition_distance(Path(f"out {guide}/photo.png"), Path("her/one.png")))
        assert record["settings"]["guide"] == float(guide)
        assert ("references" in record) == (guide != "0")
        assert ("dlib" in record["model"]["weights"]) == (guide != "0")
    assert apart[0] < 0.8 * apart[1]
    assert difface("replay", "out 1/photo.json").exit_code == 0


def test_likeness_is_told_where_its_network_is_installed_and_missed_by_nobody_else(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = difface("restore", "photo.png", "--force", *QUICK[:4])
    assert result.exit_code == 0, result.output
    alike = json.loads(Path("restored/photo.json").read_text())["faces"][0]["trust"]["alike"]
    assert f"{alike['told']} (recognition distance {alike['distance']:.2f})" in result.output
    assert 0 < alike["distance"] < 1
    assert 0 < alike["estimate"] < 1
    monkeypatch.setattr(store, "_installed", lambda location: Path("nowhere") / location)
    result = difface("restore", "photo.png", "--force", "-o", "without", *QUICK[:4])
    assert result.exit_code == 0, result.output
    faces = json.loads(Path("without/photo.json").read_text())["faces"]
    assert faces[0]["trust"]["alike"] is None
    assert Path("without/photo.png").read_bytes() == Path("restored/photo.png").read_bytes()


def recognition_distance(*files: Path) -> float:
    """Between the faces of two photos."""
    known = registry.load().weights
    network = build_dlib(dlib.read(store.verified(known["dlib"])), torch.device("cpu"))
    detect = models.load_detector(known["starter-detector"], torch.device("cpu"))
    faces = []
    for file in files:
        rgb = np.asarray(Image.open(file).convert("RGB"))
        faces.append(align.crop(rgb, align.similarity(detect(rgb)[0].landmarks, 256), 256))
    return Recognition(network).distance(*faces)


def test_what_guides_must_be_there(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = difface("restore", "photo.png", "--guide", "0.5", *QUICK)
    assert result.exit_code == 2
    assert "--reference-photos DIR" in result.output
    Path("her").mkdir()
    Image.open("photo.png").save("her/one.png")
    wishes = ["--reference-photos", "her", *QUICK]
    result = difface("restore", "photo.png", "--guide", "11", *wishes)
    assert result.exit_code == 2
    assert "--guide must be 0 to 10" in result.output
    monkeypatch.setattr(store, "_installed", lambda location: Path("nowhere") / location)
    result = difface("restore", "photo.png", "--guide", "0.5", *wishes)
    assert result.exit_code == 2
    assert "difface-cli[identity]" in result.output
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
