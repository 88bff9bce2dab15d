"""difface degrade as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from difface_cli.base.errors import DifFaceError
from difface_cli.cli import app as shell
from difface_cli.cli import degrade as command
from difface_cli.degradations import RECIPES, RESAMPLES
from difface_cli.degradations.masks import KINDS
from tests.images.pictures import smooth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small pictures, one of them in a subfolder."""
    good = tmp_path / "good"
    (good / "sub").mkdir(parents=True)
    for i, name in enumerate(("a.png", "b.jpg", "sub/c.png")):
        Image.fromarray(np.roll(smooth(48, 48), 7 * i, axis=1)).save(good / name)
    return good


def run(*arguments: Path | str | float) -> Result:
    app, _ = shell.build()
    return CliRunner().invoke(app, ["degrade", *map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_a_set_and_its_manifest(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(folder, out)
    assert done.exit_code == 0
    assert "3 pictures" in done.stdout
    assert set(contents(out)) == {"a.png", "b.png", "sub/c.png", "manifest.jsonl"}
    assert [line["file"] for line in lines(out)] == ["a.png", "b.jpg", "sub/c.png"]
    for line in lines(out):
        assert line["recipe"] == "celeba-test"
        picture = Image.open(out / line["outputs"]["picture"])
        assert picture.size == (48, 48)
        assert picture.tobytes() != Image.open(folder / line["file"]).tobytes()


def test_the_same_set_again_bit_for_bit_whatever_the_company(folder: Path, tmp_path: Path) -> None:
    options = ("--mask", "lama", "--recipe", "train", "--seed", 5, "--scratches", 2)
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    for out in (one, two):
        assert run(folder, out, *options).exit_code == 0
    assert contents(one) == contents(two)
    (folder / "a.png").unlink()
    assert run(folder, two, *options, "--overwrite").exit_code == 0
    assert (two / "holed/b.png").read_bytes() == (one / "holed/b.png").read_bytes()
    assert run(folder, other, *options, "--seed", 6).exit_code == 0
    assert (other / "holed/b.png").read_bytes() != (one / "holed/b.png").read_bytes()


def test_a_manifest_repeats_its_set(folder: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    run(folder, out, "--mask", "box", "--blur", "1:4", "--sepia", 0.5, "--size", 32)
    Image.fromarray(smooth(40, 40)).save(folder / "later.png")  # the manifest knows nothing of it
    assert run(folder, again, "--manifest", out / "manifest.jsonl").exit_code == 0
    assert contents(again) == contents(out)


def test_a_manifest_refuses_other_pictures(folder: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    run(folder, out)
    shutil.copy(folder / "a.png", folder / "sub/c.png")
    (folder / "b.jpg").unlink()
    done = run(folder, again, "--manifest", out / "manifest.jsonl")
    assert done.exit_code == 1
    assert "c.png is not the picture that the manifest tells of" in done.stderr
    assert "b.jpg does not exist" in done.stderr
    assert set(contents(again)) == {"a.png", "manifest.jsonl"}


def test_masks_have_folders_of_their_own_and_leave_pictures_sharp(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(folder, out, "--mask", "expand").exit_code == 0
    names = ("a.png", "b.png", "sub/c.png")
    wanted = {f"{place}/{name}" for place in ("pictures", "masks", "holed") for name in names}
    assert set(contents(out)) == wanted | {"manifest.jsonl"}
    assert np.array_equal(Image.open(out / "pictures/a.png"), Image.open(folder / "a.png"))
    mask = Image.open(out / "masks/a.png")
    assert mask.mode == "L"
    assert (np.array(mask) == 255).mean() == 0.75
    assert lines(out)[0]["recipe"] == "none"
    assert lines(out)[0]["mask"] == "expand"


def test_custom_options_are_the_recipe(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--blur", 0, "--scale", 4, "--noise", "2:3", "--jpeg", "off", "--resample", "area")
    assert run(folder, out, *options).exit_code == 0
    for line in lines(out):
        assert line["recipe"] == "custom"
        assert (line["sigma_x"], line["scale"], line["quality"]) == (0, 4, None)
        assert 2 <= line["noise"] <= 3
        assert line["resample"] == "area"
    assert run(folder, tmp_path / "plain", "--recipe", "custom").exit_code == 0
    assert lines(tmp_path / "plain")[0]["quality"] >= 30


def test_a_bad_file_is_named_and_does_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    done = run(folder, out)
    assert done.exit_code == 1
    assert "bad.jpg" in done.stderr
    assert len(lines(out)) == 3
    assert "bad.png" not in contents(out)


def test_nothing_is_left_when_all_fail(tmp_path: Path) -> None:
    good, out = tmp_path / "good", tmp_path / "out"
    good.mkdir()
    for name in ("x.png", "y.png"):
        (good / name).write_bytes(b"")
    assert run(good, out, "--mask", "box").exit_code == 1
    assert not out.exists()
    (good / "x.png").unlink()
    assert run(good, out).exit_code == 2
    assert not out.exists()


def test_nothing_is_overwritten_unasked(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub/c.png").write_bytes(b"mine")
    refused = run(folder, out)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert contents(out) == {"sub/c.png": b"mine"}
    assert run(folder, out, "--overwrite").exit_code == 0
    assert len(contents(out)) == 4


def test_inputs_are_never_outputs(folder: Path, tmp_path: Path) -> None:
    before = contents(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, folder / "out", tmp_path / "link", folder / "sub"):
        refused = run(folder, out, "--overwrite")
        assert refused.exit_code == 2
        assert "lies within" in refused.stderr
    # A picture of sub/good would be written over the one in good.
    outer = tmp_path / "outer"
    shutil.copytree(folder, outer / "sub")
    (outer / "sub/sub").rename(outer / "sub/sub2")
    shutil.copytree(outer / "sub", outer / "sub/sub")
    refused = run(outer / "sub", outer, "--overwrite")
    assert refused.exit_code == 2
    assert "is the input" in refused.stderr
    assert {k: v for k, v in contents(tmp_path).items() if k in before} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--recipe", "train", "--blur", "2"], "--recipe custom"),
        (["--blur", "2:x"], "--blur takes a number"),
        (["--blur", "5:2"], "low to high"),
        (["--scale", "0"], "Scale must"),
        (["--scale", "nan"], "low to high"),
        (["--jpeg", "0:10"], "Quality must"),
        (["--jpeg", "1.5"], "whole numbers"),
        (["--jpeg", "inf"], "whole numbers"),
        (["--gray", "2"], "share gray"),
        (["--sepia", "2"], "Sepia must"),
        (["--halftone", "1"], "Halftone must"),
        (["--manifest", "m.jsonl", "--seed", "1"], "Leave out"),
        (["--manifest", "absent.jsonl"], "cannot be read"),
        (["--size", "3"], "--size"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    folder: Path, tmp_path: Path, options: list[str], told: str
) -> None:
    refused = run(folder, tmp_path / "out", *options)
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        assert run(tmp_path / name, tmp_path / "out").exit_code == 2


def test_an_interrupted_run_tells_what_it_wrote(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from difface_cli.runs import sets as degrading

    read = degrading.read

    def stopped(name: str) -> Any:
        if name.endswith("b.jpg"):
            raise KeyboardInterrupt
        return read(name)

    monkeypatch.setattr(degrading, "read", stopped)
    assert run(folder, tmp_path / "out").exit_code == 130
    assert [line["file"] for line in lines(tmp_path / "out")] == ["a.png"]


def test_an_unwritable_picture_leaves_no_half_of_itself(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from difface_cli import images
    from difface_cli.runs import sets as degrading

    write = images.write

    def full(photo: images.Photo, target: Path) -> None:
        if target.parts[-2:] == ("holed", "a.png"):
            raise DifFaceError("The disk is full.")
        write(photo, target)

    monkeypatch.setattr(degrading.images, "write", full)
    assert run(folder, tmp_path / "out", "--mask", "box").exit_code == 1
    assert not [name for name in contents(tmp_path / "out") if name.endswith("a.png")]
    assert len(lines(tmp_path / "out")) == 2


def test_the_choices_are_all_that_there_is() -> None:
    assert {r.value for r in command.Recipe} == {*RECIPES, "custom", "none"}
    assert {h.value for h in command.Hole} == set(KINDS)
    assert {r.value for r in command.Resample} == set(RESAMPLES)


def test_out_must_not_be_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    result = run(folder, tmp_path / "out")
    assert result.exit_code == DifFaceError.exit_code
    assert "is no folder" in result.stderr
    assert (tmp_path / "out").read_text() == "kept"
