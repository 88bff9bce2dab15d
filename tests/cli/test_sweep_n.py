"""`difface sweep-n` and `difface apply` as a user runs them, with the starter and few steps."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from difface_cli import sweep
from difface_cli.cli.app import build
from difface_cli.tasks import drawing

CPU = ["--device", "cpu", "--precision", "fp32"]
STEPS = ["--steps", "1"]
SWEEP = ["--n", "100,200", "--seeds", "0,3", *STEPS, *CPU]


def difface(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, [str(a) for a in arguments])


def pixels(path: str | Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photo.png, two faces of different size, and its finished sweep."""
    folder = tmp_path_factory.mktemp("album")
    face = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture = Image.new("RGB", (300, 200), (120, 130, 140))
    picture.paste(face.resize((165, 195), Image.Resampling.LANCZOS), (0, 0))
    picture.paste(face.resize((110, 130), Image.Resampling.LANCZOS), (180, 30))
    picture.save(folder / "photo.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = difface("sweep-n", "photo.png", "--face", "all", *SWEEP)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def album(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one's own, and the place one works in."""
    shutil.copytree(original, tmp_path / "album")
    monkeypatch.setattr("difface_cli.sweep.pictures.plot", lambda *_: b"drawn once is enough")
    monkeypatch.chdir(tmp_path / "album")
    return tmp_path / "album"


SWEPT = Path("restored/photo_sweep")


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SWEPT / "sweep.json").read_text())
    return found


class TestSweep:
    """What a sweep leaves."""

    def test_the_record_names_every_cell_and_every_file_is_there(self, album: Path) -> None:
        swept = record()
        assert swept["status"] == "finished"
        assert "no evidence of identity" in swept["notice"]
        assert [face["index"] for face in swept["faces"]] == [0, 1]
        for face in swept["faces"]:
            assert [(c["n"], c["seed"]) for c in face["cells"]] == [
                (100, 0), (100, 3), (200, 0), (200, 3)
            ]  # fmt: skip
            files = [face[role] for role in ("input", "estimate", "grid", "plot")]
            files += [cell[kind] for cell in face["cells"] for kind in ("file", "data")]
            files += [face["variation"][role] for role in ("picture", "mean", "map")]
            assert all((SWEPT / file).is_file() for file in files)
            assert [group["n"] for group in face["variation"]["groups"]] == [100, 200]
            assert face["variation"]["number"] > 0
            assert all(set(c["metrics"]) == {"distance", "sharpness"} for c in face["cells"])
        rows = list(csv.DictReader((SWEPT / "cells.csv").open()))
        assert len(rows) == 8
        assert rows[0]["n"] == "100"

    def test_started_again_it_goes_on_and_computes_what_is_missing(
        self, album: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = record()
        lost = SWEPT / before["faces"][0]["cells"][2]["data"]
        kept = lost.read_bytes()
        lost.unlink()
        ran: list[Any] = []
        run = sweep.run
        monkeypatch.setattr(
            sweep, "run", lambda crop, estimates, cells, *a, **k: (
                ran.extend(cells) or run(crop, estimates, cells, *a, **k)
            ),
        )  # fmt: skip
        result = difface("sweep-n", "photo.png", "--face", "all", *SWEEP)
        assert result.exit_code == 0, result.output
        assert "8 cells, 7 of them from before" in result.output
        assert [(cell.n, cell.seed) for cell in ran] == [(200, 0)]
        faces = [len(kept), len(lost.read_bytes())]
        assert faces[0] == faces[1]
        assert _faces(before) == _faces(record())

    def test_interrupted_it_keeps_what_it_has(
        self, album: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = sweep.run

        def cut_short(*arguments: Any, **options: Any) -> Any:
            yield next(run(*arguments, **options))
            raise KeyboardInterrupt

        monkeypatch.setattr(sweep, "run", cut_short)
        assert difface("sweep-n", "photo.png", *SWEEP, "-o", "new").exit_code == 130
        assert json.loads(Path("new/sweep.json").read_text())["status"] == "unfinished"
        refused = difface("apply", "new", "--pick", "n=100,seed=0")
        assert_refused(refused, "not finished")
        monkeypatch.setattr(sweep, "run", run)
        result = difface("sweep-n", "photo.png", *SWEEP, "-o", "new")
        assert "4 cells, 1 of them from before" in result.output

    def test_a_changed_photo_is_refused_or_begun_anew(self, album: Path) -> None:
        Image.open("photo.png").rotate(1).save("photo.png")
        refused = difface("sweep-n", "photo.png", *SWEEP)
        assert_refused(refused, "a sweep of another photo")
        small = ["--n", "100", *STEPS, *CPU]
        assert difface("sweep-n", "photo.png", *small, "--overwrite").exit_code == 0
        assert len(list((SWEPT / "cells").glob("*.safetensors"))) == 1

    def test_an_aligned_face_against_its_reference(self, album: Path) -> None:
        face = Image.open("photo.png").crop((10, 0, 138, 128))
        face.save("good.png")
        face.resize((24, 24)).resize((64, 64)).save("small.png")
        wishes = ["--aligned", "--reference", "good.png", "--n", "60,200", *STEPS, *CPU, "--json"]
        result = difface("sweep-n", "small.png", *wishes)
        assert result.exit_code == 0, result.output
        (face_record,) = json.loads(result.stdout)["faces"]
        for cell in face_record["cells"]:
            assert set(cell["metrics"]) == {"distance", "psnr", "ssim", "sharpness"}
            assert 5 < cell["metrics"]["psnr"] < 60
        assert face_record["metrics"]["reference"]["psnr"] == 100
        assert face_record["variation"] is None


def _faces(swept: Any) -> Any:
    """A record without the times."""
    for face in swept["faces"]:
        for cell in face["cells"]:
            del cell["seconds"]
    return swept["faces"]


class TestApply:
    """Chosen cells in the photo."""

    def restored(self, *wishes: str) -> np.ndarray[Any, Any]:
        result = difface(
            "restore", "photo.png", *wishes, *STEPS, *CPU, "--gate", "off", "-o", "direct.png"
        )
        assert result.exit_code == 0, result.output
        return pixels("direct.png")

    def test_it_is_what_restore_gives_to_the_last_bit(
        self, album: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = self.restored("--n", "200", "--seed", "3")
        monkeypatch.setattr(drawing, "Drawing", None)
        monkeypatch.setattr(sweep, "run", None)
        result = difface("apply", SWEPT, "--pick", "n=200,seed=3")
        assert result.exit_code == 0, result.output
        assert np.array_equal(pixels("restored/photo.png"), expected)
        direct = json.loads(Path("direct.json").read_text())
        applied = json.loads(Path("restored/photo.json").read_text())
        assert set(applied) == set(direct) | {"sweep"}
        assert applied["model"] == direct["model"]
        same = {"faces": direct["settings"]["faces"]}
        assert applied["settings"] | same == direct["settings"]
        assert [f["seeds"] for f in applied["faces"]] == [f["seeds"] for f in direct["faces"]]

    def test_each_face_can_have_its_own(self, album: Path) -> None:
        result = difface(
            "apply", SWEPT, "--pick", "n=200,seed=3", "--face", "1:n=100,seed=0", "-o", "mixed.png"
        )
        assert result.exit_code == 0, result.output
        first = self.restored("--n", "200", "--seed", "3", "--faces", "0")
        shutil.move("direct.png", "first.png")
        Path("direct.json").unlink()
        second = self.restored("--n", "100", "--seed", "0", "--faces", "1")
        before, mixed = pixels("photo.png"), pixels("mixed.png")
        expected = np.where((first != before).any(axis=2, keepdims=True), first, second)
        assert np.array_equal(mixed, expected)
        applied = json.loads(Path("mixed.json").read_text())
        assert applied["settings"]["n"] is None
        assert [face["cell"]["n"] for face in applied["faces"]] == [200, 100]

    def test_only_the_faces_named(self, album: Path) -> None:
        result = difface("apply", SWEPT, "--face", "1:n=100,seed=0", "-o", "second.png")
        assert result.exit_code == 0, result.output
        assert np.array_equal(
            pixels("second.png"), self.restored("--n", "100", "--seed", "0", "--faces", "1")
        )
        applied = json.loads(Path("second.json").read_text())
        assert [face["restored"] for face in applied["faces"]] == [False, True]

    def test_strength_enlargement_and_grey(self, album: Path) -> None:
        wishes = ["--strength", "0.5", "--upscale", "2", "--gray", "on"]
        result = difface("apply", SWEPT, "--pick", "n=100,seed=0", *wishes, "-o", "large.png")
        assert result.exit_code == 0, result.output
        expected = self.restored("--n", "100", "--seed", "0", *wishes)
        assert np.array_equal(pixels("large.png"), expected)

    def test_sweep_and_photo_can_move_together_or_apart(self, album: Path) -> None:
        pick = ["--pick", "n=100,seed=0"]
        album.rename(album.with_name("moved"))
        here = album.with_name("moved")
        assert difface("apply", here / SWEPT, *pick, "-o", here / "a.png").exit_code == 0
        (here / "photo.png").rename(here / "other.png")
        assert_refused(difface("apply", here / SWEPT, *pick, "-o", here / "b.png"), "photo.png")
        photo = ["--photo", here / "other.png"]
        assert difface("apply", here / SWEPT, *pick, *photo, "-o", here / "b.png").exit_code == 0

    def test_another_photo_is_refused(self, album: Path) -> None:
        Image.open("photo.png").rotate(2).save("photo.png")
        refused = difface("apply", SWEPT, "--pick", "n=100,seed=0")
        assert_refused(refused, "not the photo that was swept")
        assert not Path("restored/photo.png").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--pick", "n=150,seed=0"], "the cells there are: n 100, 200; seed 0, 3"),
            (["--pick", "n=100"], "fits 2 cells"),
            (["--face", "4:n=100,seed=0"], "no face 4"),
            (["--pick", "n=100,seed=0", "--strength", "2"], "--strength must be 0 to 1"),
            (["--pick", "n=100,seed=0", "-o", "photo.png"], "is the input"),
            (["--pick", "n=100,seed=0", "--background", "real-esrgan-x2"], "--upscale is 1"),
            (["--pick", "n=100,seed=0", "--parser", "parsenet"], "not on this machine"),
        ],
    )
    def test_bad_wishes_are_one_sentence(
        self, album: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DIFFACE_HOME", str(album / "nothing fetched"))
        before = sorted(album.rglob("*"))
        assert_refused(difface("apply", SWEPT, *arguments), said)
        assert sorted(album.rglob("*")) == before

    def test_what_is_no_sweep_is_refused(self, album: Path) -> None:
        assert_refused(difface("apply", "restored"), "holds no sweep")

    @pytest.mark.parametrize(
        "damage",
        [
            lambda record: record.pop("photo"),
            lambda record: record["model"].pop("parts"),
            lambda record: record.update(settings="x"),
            lambda record: record["faces"][0].update(landmarks=[1]),
            lambda record: record["faces"][0]["cells"][0].update(data=None),
            lambda record: record.update(faces=[1]),
            lambda record: record.update(faces=[]),
            lambda record: record["faces"][0].update(cells=[]),
        ],
    )
    def test_a_damaged_record_is_refused(self, album: Path, damage: Any) -> None:
        broken = record()
        damage(broken)
        (SWEPT / "sweep.json").write_text(json.dumps(broken))
        assert_refused(difface("apply", SWEPT, "--pick", "n=100,seed=0"), "is damaged")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--n", "700"], "N must be 0 to 600, not 700"),
        (["--n", ""], "--n has an empty place"),
        (["--n", "600:100:100"], "--n takes numbers"),
        (["--eta", "0,2"], "eta must be 0 to 1, not 2"),
        (["--eta", "half"], "--eta takes numbers"),
        (["--seeds", "1,,2"], "--seeds has an empty place"),
        (["--n", "100", "--steps", "101"], "steps must be 1 to N = 100, not 101"),
        (["--steps", "0"], "--steps must be at least 1"),
        (["--batch", "-1"], "--batch must not be negative"),
        (["--min-face", "nan"], "--min-face must not be negative"),
        (["--estimator", "nobody"], "no restore model 'nobody'"),
        (["--estimator", ""], "--estimator has an empty place"),
        (["--rows", "colour"], "--rows and --cols take"),
        (["--rows", "n", "--cols", "n"], "name an axis twice"),
        (["--face", "2"], "no face 2: the faces found are 0 to 1"),
        (["--face", "left"], "--face takes"),
        (["--min-face", "500"], "smaller than --min-face 500"),
        (["--aligned"], "300x200"),
        (["--reference", "absent.png"], "absent.png"),
        (["--reference", "square.png"], "another shape"),
        (["--model", "nobody"], "no restore model"),
        (["-o", "photo.png"], "cannot be made"),
        (["-o", "."], "holds no sweep"),
    ],
)
def test_bad_sweeps_are_one_sentence(album: Path, arguments: list[str], said: str) -> None:
    Image.new("RGB", (64, 64)).save("square.png")
    before = sorted(album.rglob("*"))
    fresh = [] if "-o" in arguments else ["-o", "fresh"]
    assert_refused(difface("sweep-n", "photo.png", *CPU, *fresh, *arguments), said)
    assert sorted(album.rglob("*")) == before


def test_stdin_is_refused(album: Path) -> None:
    assert_refused(difface("sweep-n", "-", *SWEEP), "not from stdin")


@pytest.mark.parametrize("name", ["meadow.png", "absent.png"])
def test_photos_without_a_face_are_one_sentence(album: Path, name: str) -> None:
    Image.new("RGB", (100, 80), (90, 120, 60)).save("meadow.png")
    refused = difface("sweep-n", name, *SWEEP, "-o", "fresh")
    assert_refused(refused, "No face was found" if name == "meadow.png" else "absent.png")
    assert not Path("fresh").exists()


def assert_refused(result: Any, said: str) -> None:
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert len(lines) <= 2
    assert "Traceback" not in result.output
