"""`difface inpaint` as a user runs it, with the embedded starter model and few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from difface_cli.cli import photos
from difface_cli.cli.app import build
from difface_cli.method.difface import Refinement, Settings
from difface_cli.runs.session import Session
from difface_cli.tasks import Inpaint
from difface_cli.tasks.holes import Wish
from difface_cli.weights.store import sha256

QUICK = ["--steps", "2", "--device", "cpu", "--precision", "fp32"]
SCRATCH = [(20, 100), (140, 70)]


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """One face, about 50 pixels wide, in the middle of the upper half."""
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    return picture.resize((165, 195), Image.Resampling.LANCZOS)


@pytest.fixture
def album(tmp_path: Path, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scratched photo and its mask, and the place one works in."""
    photo, mask = portrait.copy(), Image.new("L", portrait.size)
    ImageDraw.Draw(photo).line(SCRATCH, fill="white", width=5)
    ImageDraw.Draw(mask).line(SCRATCH, fill=255, width=5)
    photo.save(tmp_path / "photo.png")
    mask.save(tmp_path / "mask.png")
    portrait.resize((64, 64)).save(tmp_path / "small.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inpaint(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["inpaint", *map(str, arguments), *QUICK])


def pixels(path: Path | str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path).convert("RGB"))


def test_fills_a_scratch_across_a_face_and_touches_nothing_else(album: Path) -> None:
    result = inpaint("photo.png", "--mask", "mask.png")
    assert result.exit_code == 0, result.output
    assert "1 face drawn" in result.output
    hole = np.asarray(Image.open("mask.png")) > 0
    old, new = pixels("photo.png"), pixels("inpainted/photo.png")
    assert np.array_equal(old[~hole], new[~hole])
    truth_like = np.abs(new[hole].astype(float) - 255).mean()
    assert truth_like > 60  # the white is gone
    record = json.loads((album / "inpainted/photo.json").read_text())
    assert record["input"]["sha256"] == sha256(album / "photo.png")
    assert record["model"]["name"] == "starter-inpaint"
    assert record["mask"]["source"] == "mask.png"
    assert record["mask"]["share"] == pytest.approx(hole.mean(), abs=1e-5)
    assert record["settings"]["gamma"] == 0.5
    assert record["settings"]["refine"] == "closed-form"
    assert record["settings"]["eta"] == 1.0
    assert record["settings"]["n"] == 480
    assert [face["restored"] for face in record["faces"]] == [True]


def test_the_options_of_the_method_arrive(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Session] = []

    def go(session: Session, asked: photos.Asked) -> int:
        seen.append(session)
        return 0

    monkeypatch.setattr(photos, "go", go)
    options = (
        "--n 300 --eta 0.25 --sampler dpm++ --seed 7 --samples 2 --gamma 3 --refine gradient "
        "--no-keep-known --no-fill-rest --gray off --min-face 9 --mask-grow 4 --mask-threshold 0.2 "
        "--invert-mask --mask mask.png --face 1,2,30,40 --batch 3"
    )
    assert inpaint("photo.png", *options.split()).exit_code == 0
    (session,) = seen
    wish, options_ = Wish("mask.png", 0.2, True, 4), session.options
    assert session.task == Inpaint(wish, Refinement(3.0, "gradient"), False, False)
    assert options_.settings == Settings(n=300, steps=2, eta=0.25, sampler="dpm++")
    assert options_.by_hand[0].box == (1, 2, 31, 42)
    assert (options_.seed, options_.samples, options_.batch) == (7, 2, 3)
    assert (options_.gray, options_.min_face) == ("off", 9)


def test_the_seed_decides(album: Path) -> None:
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        inpaint("photo.png", "--mask", "mask.png", "-o", f"{name}.png", "--seed", seed)
    a, b, c = (Path(f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_samples_come_with_a_contact_sheet(album: Path) -> None:
    result = inpaint("photo.png", "--mask", "mask.png", "--samples", "3")
    assert "samples side by side: inpainted/photo.samples.png" in result.output
    names = {path.name for path in Path("inpainted").iterdir()}
    assert names == {
        "photo.png", "photo.sample2.png", "photo.sample3.png", "photo.samples.png", "photo.json",
    }  # fmt: skip
    width, height = Image.open("inpainted/photo.samples.png").size
    assert width > 4 * 256
    assert height > 256


def test_an_aligned_picture_of_any_shape(album: Path) -> None:
    holes = pixels("photo.png").copy()
    holes[60:100, 50:110] = 0
    Image.fromarray(holes).save("masked.png")
    result = inpaint("masked.png", "--aligned")
    assert result.exit_code == 0, result.output
    new = pixels("inpainted/masked.png")
    known = holes.any(axis=2)
    assert new.shape == holes.shape
    assert np.array_equal(new[known], holes[known])
    assert new[~known].any(axis=1).mean() > 0.99


def test_an_empty_mask_copies_the_photo_and_says_so(album: Path) -> None:
    Image.new("L", Image.open("photo.png").size).save("empty.png")
    result = inpaint("photo.png", "--mask", "empty.png")
    assert result.exit_code == 0
    assert "no hole (empty.png), the photo is only copied" in result.output
    assert Path("inpainted/photo.png").read_bytes() == Path("photo.png").read_bytes()


def test_a_few_black_pixels_are_doubted(album: Path) -> None:
    picture = np.full((64, 64, 3), 90, np.uint8)
    picture[5, 5:7] = 0
    Image.fromarray(picture).save("dark.png")
    result = inpaint("dark.png")
    assert "Black pixels are taken for holes, and they cover 0.05%" in result.output


def test_holes_outside_faces_are_told_of(album: Path) -> None:
    wide = Image.new("RGB", (400, 195), (120, 130, 140))
    wide.paste(Image.open("photo.png"), (0, 0))
    wide.paste((255, 0, 255), (350, 20, 380, 60))
    wide.save("wide.png")
    result = inpaint("wide.png", "--mask", "#ff00ff")
    assert "1.54% of it lies outside faces and was smoothed over" in result.output
    filled = pixels("inpainted/wide.png")[20:60, 350:380].astype(int)
    assert np.abs(filled - (120, 130, 140)).max() < 8
    left = inpaint("wide.png", "--mask", "#f0f", "--no-fill-rest", "-o", "left.png")
    assert "was left as it is" in left.output
    assert np.array_equal(pixels("left.png"), pixels("wide.png"))


def test_a_hidden_face_can_be_named(album: Path) -> None:
    flat = np.full((120, 120, 3), 150, np.uint8)
    flat[30:90, 30:90] = 0
    Image.fromarray(flat).save("hidden.png")
    alone = inpaint("hidden.png", "-o", "alone.png")
    assert "no face was found" in alone.output
    assert "--face X,Y,W,H" in alone.output
    points = "48,52,72,52,60,66,50,78,70,78"
    named = inpaint("hidden.png", "-o", "named.png", "--face", "35,25,50,70", "--landmarks", points)
    assert "2 faces drawn" in named.output


def test_a_dry_run_shows_the_faces_and_fills_nothing(album: Path) -> None:
    result = inpaint("photo.png", "--mask", "mask.png", "--dry-run")
    assert "filling 1 of 1 faces would take about" in result.output
    assert [path.name for path in Path("inpainted").iterdir()] == ["photo.faces.png"]


def test_one_bad_mask_does_not_stop_the_others(album: Path) -> None:
    Path("masks").mkdir()
    Image.open("mask.png").save("masks/photo.png")
    Image.new("L", (10, 20)).resize((40, 20)).save("masks/small.png")
    result = inpaint("photo.png", "small.png", "--mask", "masks")
    assert result.exit_code == 1
    assert "is 40x20 pixels, and small.png is 64x64" in " ".join(result.output.split())
    assert {path.name for path in Path("inpainted").iterdir()} == {"photo.png", "photo.json"}


def test_json_is_one_line_a_photo(album: Path) -> None:
    result = inpaint("photo.png", "--mask", "mask.png", "--json")
    assert json.loads(result.stdout)["status"] == "filled"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--gamma", "-1"], "--gamma must be 0 or more"),
        (["--mask", "missing.png"], "missing.png does not exist"),
        (["--mask", "#12"], "no colour"),
        (["--mask", "alpha"], "no transparency"),
        (["--mask-threshold", "0"], "--mask-threshold"),
        (["--face", "1,2,3"], "--face takes X,Y,WIDTH,HEIGHT"),
        (["--face", "1,2,0,4"], "--face takes"),
        (["--face", "1e300,1e300,1e300,1e300"], "--face takes"),
        (["-o", "-", "--samples", "2"], "stdout holds one result"),
        (["--mask", "m" * 300], "File name too long"),
        (["--landmarks", "1,2,3,4"], "--landmarks takes five points"),
        (["--landmarks", "1,1,1,1,1,1,1,1,1,1"], "landmarks lie in one place"),
        (["--face", "1,2,30,40", "--aligned"], "is a face already"),
        (["--face", "1,2,30,40", "small.png"], "single photo"),
        (["--model", "starter"], "no inpaint model"),
        (["--n", "900"], "N must be 0 to"),
    ],
)
def test_wrong_use_is_a_sentence_and_leaves_nothing(
    album: Path, arguments: list[str], says: str
) -> None:
    result = inpaint("photo.png", *arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not Path("inpainted").exists()


@pytest.mark.parametrize(("mask", "output"), [("mask.png", "mask.png"), ("masks", "masks")])
def test_masks_are_never_written_over(album: Path, mask: str, output: str) -> None:
    (album / "masks").mkdir()
    kept = (album / "mask.png").read_bytes()
    (album / "masks/photo.png").write_bytes(kept)
    result = inpaint("photo.png", "--mask", mask, "-o", output, "--overwrite")
    assert result.exit_code == 2
    assert "mask" in result.stderr
    assert (album / "mask.png").read_bytes() == (album / "masks/photo.png").read_bytes() == kept
