"""difface evaluate as a user runs it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from difface_cli.cli import app as shell
from difface_cli.metrics import frechet
from difface_cli.weights import registry
from tests.evaluation.pictures import folder
from tests.images.pictures import smooth


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


def run(*arguments: Path | str | float) -> Result:
    app, _ = shell.build()
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


QUICK = ("--metrics", "psnr,ssim")


def test_nrqm_and_pi_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)  # as where it is not installed
    results = folder(tmp_path / "results")
    silent = run(results, "--reference", folder(tmp_path / "truth"))
    assert silent.exit_code == 0
    assert "NRQM" not in silent.stdout
    done = run(results, "--metrics", "nrqm,pi")
    assert done.exit_code == 2
    assert "Nothing can be computed here of nrqm, pi." in done.stderr
    assert done.stderr.count("NRQM and PI need the library pyiqa.") == 1
    assert "pip install --no-deps pyiqa" in done.stderr


def test_a_table_of_all_plain_measures_and_what_is_missing(tmp_path: Path) -> None:
    results = folder(tmp_path / "results", 20)
    done = run(results, "--reference", folder(tmp_path / "truth"), "--json", tmp_path / "all.json")
    assert done.exit_code == 0, done.stderr
    for title in ("PSNR ↑", "SSIM-Y ↑", "GMSD ↓", "LMD ↓", "FD-detector-G ↓"):
        assert title in done.stdout
    for name in ("lpips-vgg16", "arcface", "fid-inception", "niqe"):
        assert f"not computed: difface fetch-weights {name}" in done.stdout
        assert name in registry.load().weights
    told = json.loads((tmp_path / "all.json").read_text())
    assert told["lines"][0]["count"] == 3
    assert told["lines"][0]["values"]["fd-g"]["mean"] > 0
    assert told["lines"][0]["values"]["lmd"]["mean"] is None  # no faces in these pictures
    each = [values["psnr"] for values in told["pictures"]["results"].values()]
    assert told["lines"][0]["values"]["psnr"]["mean"] == pytest.approx(np.mean(each))


def test_side_by_side_with_tests_in_every_format(tmp_path: Path) -> None:
    good, bad = folder(tmp_path / "good_", 2), folder(tmp_path / "bad|", 30)
    files = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "latex", "markdown")}
    options = [part for kind, path in files.items() for part in (f"--{kind}", path)]
    done = run(good, bad, "--compare", "--reference", folder(tmp_path / "truth"), *QUICK, *options)
    assert done.exit_code == 0, done.stderr
    assert "less good_" in done.stdout
    assert "p = 0.250" in done.stdout  # three pictures: two of eight signs
    rows = list(csv.DictReader(files["csv"].open()))
    assert [(row["folder"], row["picture"]) for row in rows[2:4]] == [
        ("good_", "sub/c"), ("bad|", "a"),
    ]  # fmt: skip
    assert float(rows[0]["psnr"]) > float(rows[3]["psnr"])
    told = json.loads(files["json"].read_text())
    assert told["lines"][1]["against_first"]["psnr"]["mean"] < 0
    tex = files["latex"].read_text()
    assert r"good\_" in tex
    assert r"\begin{tabular}{lrrr}" in tex
    assert r"PSNR $\uparrow$" in tex
    assert tex.count("&") == 3 * 3 + 2 * 2
    assert "| bad\\| | 3 |" in files["markdown"].read_text()


def test_by_scale_factor_as_a_curve(tmp_path: Path) -> None:
    truth, low = folder(tmp_path / "truth"), tmp_path / "low"
    app, _ = shell.build()
    assert CliRunner().invoke(app, ["degrade", str(truth), str(low), "--seed", "3"]).exit_code == 0
    options = ("--reference", truth, "--by", "sf", *QUICK, "--plot", tmp_path / "curve.png")
    done = run(low, *options)
    assert done.exit_code == 0, done.stderr
    scales = {
        f"{json.loads(line)['scale']:g}" for line in (low / "manifest.jsonl").open(encoding="utf-8")
    }
    assert len(scales) > 1
    for scale in scales:
        assert f" {scale} " in done.stdout
    assert Image.open(tmp_path / "curve.png").size[0] > 500


def test_stats_are_saved_and_measured_against(tmp_path: Path) -> None:
    truth, stats = folder(tmp_path / "truth", 3), tmp_path / "stats.npz"
    saved = run(truth, "--reference", truth, "--metrics", "psnr", "--save-stats", stats)
    assert saved.exit_code == 0, saved.stderr
    assert frechet.load(stats).count == 3
    done = run(truth, "--dataset-stats", stats, "--json", "-")
    assert json.loads(done.stdout)["lines"][0]["values"]["fd-f"]["mean"] == pytest.approx(
        0, abs=1e-3
    )


def test_a_bad_picture_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    results, truth = folder(tmp_path / "results", 5), folder(tmp_path / "truth")
    Image.fromarray(smooth(20, 20)).save(results / "a.png")
    done = run(results, "--reference", truth, *QUICK)
    assert done.exit_code == 1
    assert str(results / "a.png") in done.stderr
    assert str(truth / "a.png") in done.stderr
    assert "1 of 3 pictures" in done.stderr
    alone = run(results / "a.png", "--reference", truth / "a.png", *QUICK)
    assert alone.exit_code == 2
    assert "20x20" in alone.stderr


def test_pictures_without_partner_are_named(tmp_path: Path) -> None:
    results, truth = folder(tmp_path / "results"), folder(tmp_path / "truth")
    (truth / "a.png").unlink()
    done = run(results, "--reference", truth, *QUICK)
    assert done.exit_code == 1
    assert "1 with no reference: a" in done.stderr
    (results / "a.png").unlink()
    (results / "b.png").unlink()
    done = run(results, "--reference", truth, *QUICK)
    assert done.exit_code == 0
    assert "1 with a reference and no result: b" in done.stderr


def test_values_are_kept_unless_unwanted(tmp_path: Path, home: Path) -> None:
    results, truth = folder(tmp_path / "results", 5), folder(tmp_path / "truth")
    run(results, "--reference", truth, *QUICK, "--no-cache")
    assert not home.exists()
    first = run(results, "--reference", truth, *QUICK)
    assert (home / "evaluation.sqlite").exists()
    assert run(results, "--reference", truth, *QUICK).stdout == first.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--metrics", "niqe"], "difface fetch-weights niqe"),
        (["--metrics", "psnr"], "Add --reference"),
        (["--reference", "truth", "--metrics", "beauty"], "no measure 'beauty'"),
        (["--reference", "truth", "--metrics", "fid-f"], "--dataset-stats"),
        (["--reference", "truth", "--compare"], "two folders"),
        (["--reference", "truth", "--by", "sf"], "--manifest"),
        (["--reference", "truth", "--plot", "x.png"], "Add --by"),
        (["--reference", "truth", "--csv", "-", "--json", "-"], "one thing only"),
        (["--reference", "truth", "--csv", "taken.csv"], "exists already"),
        (["--reference", "truth", "--csv", "absent/x.csv"], "no folder"),
        (["--reference", "truth", "--markdown", "truth/new.png"], "among, what is read"),
        (["--reference", "absent"], "does not exist"),
        (["--dataset-stats", "taken.csv"], "holds no statistics"),
        (["--mask", "truth"], "--mask needs --reference"),
        (["--reference", "truth", "--features", "vgg"], "no features 'vgg'"),
        (["--reference", "truth", "--detector", "starter-prior"], "detect model"),
    ],
)
def test_wrong_wishes_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "results")
    folder(tmp_path / "truth")
    (tmp_path / "taken.csv").write_text("mine")
    done = run("results", *options)
    assert done.exit_code == 2
    assert told in done.stderr
    assert (tmp_path / "taken.csv").read_text() == "mine"
