"""`difface replay`: what a record tells comes out again, and everything else is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from difface_cli.cli.app import build

QUICK = ["--steps", "2", "--n", "200", "--device", "cpu", "--precision", "fp32"]


def difface(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo, restored with settings of its own."""
    folder = tmp_path_factory.mktemp("album")
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture = picture.resize((165, 195), Image.Resampling.LANCZOS)
    picture.filter(ImageFilter.GaussianBlur(1.5)).save(folder / "photo.png")
    done = difface("restore", folder / "photo.png", "-o", folder / "out", "--seed", "3",
                   "--strength", "0.7", "--samples", "2", *QUICK)  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def album(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it elsewhere: all paths of the record are wrong, but for those from the record."""
    for path in made.rglob("*.*"):
        copied = tmp_path / "moved" / path.relative_to(made)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path / "moved")
    record = json.loads(Path("out/photo.json").read_text())
    record["input"]["path"] = "gone/photo.png"
    record["outputs"] = [f"gone/{Path(name).name}" for name in record["outputs"]]
    Path("out/photo.json").write_text(json.dumps(record))
    return tmp_path / "moved"


def edit(**changes: Any) -> None:
    record = json.loads(Path("out/photo.json").read_text())
    for key, value in changes.items():
        table, name = key.split("__")
        record[table][name] = value
    Path("out/photo.json").write_text(json.dumps(record))


def files() -> set[Path]:
    return {path for path in Path().rglob("*") if path.is_file()}


def test_a_run_comes_out_again_and_nothing_is_written(album: Path) -> None:
    before = files()
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 0, result.output
    assert result.output.count("identical to the last bit") == 2
    assert files() == before


def test_the_estimate_alone_comes_out_again(album: Path) -> None:
    wishes = ["--n", "0", "-o", "estimate", "--device", "cpu"]
    assert difface("restore", "photo.png", *wishes).exit_code == 0
    result = difface("replay", "estimate/photo.json")
    assert result.exit_code == 0, result.output


def test_results_that_are_gone_are_told_by_their_hash(album: Path) -> None:
    Path("out/photo.png").unlink()
    assert difface("replay", "out/photo.json").exit_code == 0


def test_a_changed_setting_shows_in_numbers_and_versions_are_named(album: Path) -> None:
    edit(settings__steps=4, versions__torch="0.1")
    result = difface("replay", "out/photo.json", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["status"] == "different"
    off = told["results"][0]["difference"]
    assert 0 < off["mean"] < off["largest"] < 200
    assert told["versions_changed"]["torch"][0] == "0.1"
    result = difface("replay", "out/photo.json")
    assert "PSNR" in result.output
    assert "made with torch 0.1" in result.output


def test_an_old_record_without_hashes_is_compared_with_the_file(album: Path) -> None:
    record = json.loads(Path("out/photo.json").read_text())
    for key in ("output_sha256", "task"):
        del record[key]
    Path("out/photo.json").write_text(json.dumps(record))
    assert difface("replay", "out/photo.json").exit_code == 0
    Path("out/photo.sample2.png").unlink()
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 2
    assert "nothing to compare with" in result.output


def test_a_result_that_was_changed_since_is_told(album: Path) -> None:
    Image.new("RGB", (10, 10)).save("out/photo.png")
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 0
    assert "was changed since" in result.output


def test_o_writes_result_and_record(album: Path) -> None:
    assert difface("replay", "out/photo.json", "-o", "again").exit_code == 0
    for name in ("photo.png", "photo.sample2.png"):
        assert (Path("again") / name).read_bytes() == (Path("out") / name).read_bytes()
    assert difface("replay", "again/photo.json").exit_code == 0
    assert "exists already" in difface("replay", "out/photo.json", "-o", "again").output


def test_another_input_is_refused(album: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save("photo.png")
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 2
    assert "its content differs" in result.output
    Path("photo.png").unlink()
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 2
    assert "--photo" in result.output


def test_other_weights_and_models_are_refused(album: Path) -> None:
    whole = Path("out/photo.json").read_text()
    weights = json.loads(whole)["model"]["weights"] | {"starter-prior": "ab" * 32}
    edit(model__weights=weights)
    assert "their hash differs" in difface("replay", "out/photo.json").output
    edit(model__name="mine")
    assert difface("replay", "out/photo.json").exit_code == 2
    Path("out/photo.json").write_text(whole)
    edit(settings__n=999)
    result = difface("replay", "out/photo.json")
    assert result.exit_code == 2
    assert "N must be" in result.output


def test_holes_come_out_again(album: Path) -> None:
    mask = np.zeros((195, 165), np.uint8)
    mask[70:100, 60:90] = 255
    Image.fromarray(mask).save("mask.png")
    box = "40,40,90,120"
    done = difface("inpaint", "photo.png", "--mask", "mask.png", "--mask-grow", "2",
                   "--face", box, "-o", "filled.png", *QUICK)  # fmt: skip
    assert done.exit_code == 0, done.output
    result = difface("replay", "filled.json")
    assert result.exit_code == 0, result.output
    Image.fromarray(255 - mask).save("mask.png")
    result = difface("replay", "filled.json")
    assert result.exit_code == 2
    assert "holes are not those" in result.output


def test_colours_come_out_again(album: Path) -> None:
    done = difface("colorize", "photo.png", "--desaturate", "--strength", "0.5", "-o", "c.png",
                   *QUICK)  # fmt: skip
    assert done.exit_code == 0, done.output
    result = difface("replay", "c.json")
    assert result.exit_code == 0, result.output
