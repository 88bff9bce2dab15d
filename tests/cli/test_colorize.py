"""`difface colorize` as a user runs it, with the embedded starter model and few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from difface_cli import images
from difface_cli.cli.app import build

QUICK = ["--steps", "2", "--device", "cpu", "--precision", "fp32"]


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a grey photo.png and colour.png in it, where one works."""
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture = picture.resize((165, 195), Image.Resampling.LANCZOS)
    picture.save(tmp_path / "colour.png")
    picture.convert("L").save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def colorize(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["colorize", *QUICK, *arguments])


def pixels(name: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(name))


def test_colours_the_face_keeps_the_luma_and_writes_a_record(album: Path) -> None:
    result = colorize("photo.png", "--seed", "4")
    assert result.exit_code == 0, result.output
    assert "1 of 1 faces coloured, the rest is grey" in result.output
    after = pixels("colorized/photo.png")
    assert np.array_equal(np.asarray(Image.fromarray(after).convert("L")), pixels("photo.png"))
    spread = np.ptp(after, axis=2)
    assert spread[80, 80] > 10
    assert spread[:, :12].max() == 0
    record = json.loads(Path("colorized/photo.json").read_text())
    assert "colours are invented" in record["notice"]
    assert record["model"]["name"] == "starter-colorize"
    assert set(record["model"]["weights"]) == {
        "starter-prior",
        "starter-detector",
        "starter-landmarks",
    }
    chosen = record["settings"]
    assert (chosen["gamma"], chosen["refine"], chosen["seed"]) == (20.0, "closed-form", 4)
    assert record["faces"][0]["restored"]


def test_samples_and_json(album: Path) -> None:
    result = colorize("photo.png", "colour.png", "--samples", "2", "--json")
    assert result.exit_code == 1
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["status"] == "coloured"
    assert second["status"] == "failed"
    assert "colour.png is in colour already" in second["error"]
    assert sorted(p.name for p in Path("colorized").iterdir()) == [
        "photo.json", "photo.png", "photo.sample2.png",
    ]  # fmt: skip
    assert not np.array_equal(pixels("colorized/photo.png"), pixels("colorized/photo.sample2.png"))


def test_desaturate_keeps_the_luma_of_the_photo_in_colour(album: Path) -> None:
    assert colorize("colour.png", "--desaturate", "-o", "a.png").exit_code == 0
    before, after = (images.desaturated(images.read(name)) for name in ("colour.png", "a.png"))
    assert np.abs(before.pixels.astype(int) - after.pixels).max() <= 1
    assert not np.array_equal(pixels("a.png"), pixels("colour.png"))


def test_dry_run_writes_only_the_numbered_picture(album: Path) -> None:
    result = colorize("photo.png", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "colouring 1 of 1 faces would take about" in result.output
    assert [p.name for p in Path("colorized").iterdir()] == ["photo.faces.png"]


def test_a_photo_without_a_face_is_copied_and_says_so(album: Path) -> None:
    Image.new("L", (100, 80), 90).save("meadow.png")
    result = colorize("meadow.png")
    assert "no face found, the photo is only copied" in result.output
    assert Path("colorized/meadow.png").read_bytes() == Path("meadow.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["colour.png"], "colour.png is in colour already"),
        (["photo.png", "--gamma", "-1"], "--gamma must be 0 or more"),
        (["photo.png", "--refine", "gradient", "--gamma", "5"], "overshoots"),
        (["photo.png", "--n", "700"], "N must be 0 to 600"),
        (["photo.png", "--strength", "2"], "--strength must be 0 to 1"),
        (["photo.png", "--model", "starter"], "no colorize model 'starter'"),
        (["photo.png", "--aligned"], "165x195"),
        (["photo.png", "-o", "photo.png"], "is the input"),
        (["absent.png"], "absent.png"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    album: Path, arguments: list[str], says: str
) -> None:
    result = colorize(*arguments)
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert says in lines[0]
    assert len(lines) <= 2
    assert not Path("colorized").exists()
