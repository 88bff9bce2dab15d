"""`difface restore` as a user runs it, with the embedded starter model and few steps."""

from __future__ import annotations

import importlib
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from typer.testing import CliRunner

from difface_cli import images
from difface_cli.base.hashing import sha256
from difface_cli.cli.app import build

QUICK = ["--steps", "2", "--n", "200", "--device", "cpu", "--precision", "fp32"]


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """One face, about 50 pixels wide and blurred, so that there is something to restore."""
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture = picture.resize((165, 195), Image.Resampling.LANCZOS)
    return picture.filter(ImageFilter.GaussianBlur(1.5))


@pytest.fixture
def album(tmp_path: Path, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with photo.png in it, and the place one works in."""
    portrait.save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def difface(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, [str(a) for a in arguments])


def restore(*arguments: str | Path) -> Any:
    return difface("restore", *arguments, *QUICK)


def pixels(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path))


def test_each_face_has_an_n_of_its_own_where_that_is_asked_for(album: Path) -> None:
    plain = ["restore", "photo.png", "--steps", "2", "--device", "cpu", "--overwrite"]
    record = album / "restored/photo.json"
    result = difface(*plain, "--n", "auto")
    assert result.exit_code == 0, result.output
    told = json.loads(record.read_text())
    assert told["settings"]["auto_n"] is True
    picked = told["faces"][0]["auto_n"]["n"]
    assert f"N = {picked}" in result.output
    assert difface(*plain, "--n", "150").exit_code == 0
    told = json.loads(record.read_text())
    assert (told["settings"]["auto_n"], told["settings"]["n"]) == (False, 150)
    assert "auto_n" not in told["faces"][0]


class TestPhotos:
    """What comes out, and where."""

    def test_restores_the_face_and_nothing_else(self, album: Path) -> None:
        before = (album / "photo.png").read_bytes()
        result = restore("photo.png")
        assert result.exit_code == 0, result.output
        assert "1 of 1 faces restored" in result.output
        assert (album / "photo.png").read_bytes() == before
        old, new = pixels(album / "photo.png"), pixels(album / "restored/photo.png")
        changed = (old != new).any(axis=2)
        assert changed[80, 80]
        assert not changed[:, :15].any()
        assert not changed[185:].any()

    def test_writes_a_record_that_can_repeat_the_run(self, album: Path) -> None:
        restore("photo.png", "--seed", "5")
        record = json.loads((album / "restored/photo.json").read_text())
        assert "no evidence of identity" in record["notice"]
        assert record["input"]["sha256"] == sha256(album / "photo.png")
        assert record["model"]["name"] == "starter"
        assert all(len(digest) == 64 for digest in record["model"]["weights"].values())
        assert record["settings"]["seed"] == 5
        assert record["settings"]["steps"] == 2
        assert record["settings"]["eta"] == 0.5
        (face,) = record["faces"]
        assert face["restored"]
        assert len(face["seeds"]) == 1
        assert len(face["landmarks"]) == 5
        assert record["versions"]["torch"]
        assert record["seconds"]["total"] > 0

    def test_the_same_seed_gives_the_same_bytes_and_another_does_not(self, album: Path) -> None:
        restore("photo.png", "-o", "a.png")
        restore("photo.png", "-o", "b.png")
        restore("photo.png", "-o", "c.png", "--seed", "1")
        a, b, c = ((album / f"{name}.png").read_bytes() for name in "abc")
        assert a == b != c

    def test_several_photos_and_their_order(self, album: Path, portrait: Image.Image) -> None:
        portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("mirrored.png")
        assert restore("photo.png", "mirrored.png", "-o", "one").exit_code == 0
        assert restore("mirrored.png", "photo.png", "-o", "two").exit_code == 0
        for name in ("photo.png", "mirrored.png"):
            assert (album / "one" / name).read_bytes() == (album / "two" / name).read_bytes()

    def test_samples_and_faces_are_written(self, album: Path) -> None:
        restore("photo.png", "--samples", "2", "--save-faces")
        names = {str(p.relative_to(album / "restored")) for p in album.glob("restored/**/*.*")}
        assert names == {
            "photo.png", "photo.sample2.png", "photo.json", "photo_faces/00_input.png",
            "photo_faces/00_estimate.png", "photo_faces/00_restored.png",
            "photo_faces/00_restored.sample2.png", "photo_faces/00_degraded.png",
            "photo_faces/00_residual.png", "photo_faces/00_variation.png",
        }  # fmt: skip
        assert Image.open(album / "restored/photo_faces/00_restored.png").size == (256, 256)

    def test_a_photo_without_a_face_is_copied_and_says_so(self, album: Path) -> None:
        flat = Image.new("RGB", (100, 80), (90, 120, 60))
        flat.save("meadow.jpg")
        result = restore("meadow.jpg")
        assert result.exit_code == 0
        assert "no face found" in result.output
        assert Path("restored/meadow.jpg").read_bytes() == Path("meadow.jpg").read_bytes()
        restore("meadow.jpg", "--upscale", "2", "-o", "large.png")
        assert Image.open("large.png").size == (200, 160)

    def test_stdin_to_stdout(self, album: Path) -> None:
        command = [sys.executable, "-m", "difface_cli", "restore", "-", *QUICK]
        done = subprocess.run(
            command, input=(album / "photo.png").read_bytes(), capture_output=True, check=True
        )
        restore("photo.png", "-o", "file.png")
        assert done.stdout == (album / "file.png").read_bytes()
        assert b"1 of 1 faces restored" in done.stderr
        assert not (album / "restored").exists()

    def test_json_is_one_line_a_photo(self, album: Path, portrait: Image.Image) -> None:
        portrait.save("second.png")
        (album / "broken.png").write_bytes(b"")
        result = restore("photo.png", "broken.png", "second.png", "--json")
        assert result.exit_code == 1
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert [record["status"] for record in records] == ["restored", "failed", "restored"]
        assert "broken.png" in records[1]["error"]
        assert (album / "restored/second.png").exists()
        assert not (album / "restored/broken.png").exists()

    def test_names_with_spaces_brackets_and_other_scripts(
        self, album: Path, portrait: Image.Image
    ) -> None:
        name = "Großmutter [1912] 写真.jpg"
        portrait.save(name)
        result = restore(name)
        assert result.exit_code == 0, result.output
        assert (album / "restored" / name).exists()
        assert "[1912]" in result.output

    def test_rotation_profile_and_camera_data_survive(
        self, album: Path, portrait: Image.Image
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held on its side
        exif[0x010F] = "Box Brownie"
        turned = portrait.transpose(Image.Transpose.ROTATE_90)
        turned.save("turned.jpg", exif=exif, quality=95)
        result = restore("turned.jpg")
        assert "1 of 1 faces restored" in result.output
        after = Image.open("restored/turned.jpg")
        assert after.size == portrait.size
        assert after.getexif()[0x010F] == "Box Brownie"
        assert after.getexif().get(0x0112, 1) == 1


def test_compiled_runs_are_recorded_and_translate_the_prior_alone(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translated = []

    def compiler(network: torch.nn.Module, **_: Any) -> torch.nn.Module:
        translated.append(type(network).__name__)
        return network

    monkeypatch.setattr("torch.compile", compiler)
    monkeypatch.setattr("shutil.which", lambda name: name)
    assert restore("photo.png", "--compile").exit_code == 0
    assert translated == ["UNet"]
    record = json.loads((album / "restored/photo.json").read_text())
    assert record["settings"]["compiled"] is True


def test_fast_is_recorded_as_what_it_stands_for(album: Path) -> None:
    machine = ("--device", "cpu", "--precision", "fp32")
    assert difface("restore", "photo.png", "--fast", "--steps", "3", *machine).exit_code == 0
    settings = json.loads((album / "restored/photo.json").read_text())["settings"]
    assert (settings["sampler"], settings["steps"]) == ("dpm++", 3)
    refused = difface("restore", "photo.png", "--fast", "--sampler", "ddpm", *machine)
    assert refused.exit_code == 2
    assert "--fast runs dpm++" in refused.output


class TestDryRun:
    """Faces and cost, and nothing restored."""

    def test_shows_faces_and_writes_only_the_numbered_picture(self, album: Path) -> None:
        result = restore("photo.png", "--dry-run")
        assert result.exit_code == 0, result.output
        assert "restoring 1 of 1 faces would take about" in result.output
        written = [p.name for p in (album / "restored").iterdir()]
        assert written == ["photo.faces.png"]
        before, after = pixels(album / "photo.png"), pixels(album / "restored/photo.faces.png")
        assert ((after == (64, 220, 96)).all(axis=2) & (before != after).any(axis=2)).sum() > 50

    def test_as_json(self, album: Path) -> None:
        result = restore("photo.png", "--dry-run", "--json")
        record = json.loads(result.stdout)
        assert record["faces"][0]["index"] == 0
        assert record["estimate"]["seconds"] > 0


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims this size, with next to nothing in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"0" * 99)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bad_file(kind: str, portrait: Image.Image) -> str:
    """Make a file that cannot be restored, and give its name."""
    name = f"{kind}.jpg"
    path = Path(name)
    match kind:
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("Dear Anna,\n" * 50)
        case "truncated":
            portrait.save(path)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "pixel":
            Image.new("RGB", (1, 1)).save(path)
        case "empty":
            path.touch()
        case "bomb":
            path.write_bytes(bomb(60_000, 60_000))
    return name


@pytest.fixture
def untouched(album: Path) -> Iterator[Path]:
    """The album, and that nothing was written to it but what the test made."""
    yield album
    assert not (album / "restored").exists()
    assert not list(album.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "missing.jpg"),
        ("folder", "folder"),
        ("text", "text.jpg"),
        ("truncated", "truncated.jpg"),
        ("pixel", "1x1"),
        ("empty", "empty"),
        ("bomb", "60000x60000"),
    ],
)
def test_bad_files_are_one_sentence(
    untouched: Path, portrait: Image.Image, kind: str, said: str
) -> None:
    result = restore(bad_file(kind, portrait))
    assert_refused(result, said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--eta", "1.5"], "eta must be 0 to 1"),
        (["--eta", "nan"], "eta must be 0 to 1"),
        (["--n", "-1"], "N must be 0 to 600"),
        (["--n", "700"], "N must be 0 to 600"),
        (["--n", "0", "--steps", "5"], "steps must be 0 to N = 0"),
        (["--steps", "0"], "steps must be 1"),
        (["--steps", "201"], "steps must be 1 to N = 200"),
        (["--model", "gpfgan"], "no restore model 'gpfgan'"),
        (["--models", "absent.toml"], "absent.toml does not exist"),
        (["--faces", "3"], "no face 3"),
        (["--faces", "left"], "--faces takes"),
        (["--detector", "starter"], "no detect model 'starter'"),
        (["--parser", "parsenet"], "weights parsenet are not on this machine"),
        (["--background", "real-esrgan-x2"], "--upscale is 1"),
        (["--background", "real-esrgan-x2", "--upscale", "2"], "not on this machine"),
        (["--model", "difface-512", "--n", "400"], "not on this machine"),
        (["--upscale", "3"], "--upscale must be 1, 2 or 4"),
        (["--strength", "2"], "--strength must be 0 to 1"),
        (["--samples", "0"], "--samples must be at least 1"),
        (["--aligned"], "165x195"),
        (["--device", "cuda"], "cuda"),
        (["--precision", "fp16"], "fp16"),
        (["-o", "photo.png"], "is the input"),
        (["-o", "photo.xyz"], ".xyz"),
        (["-o", "photo.png/inside.png"], "cannot be made"),
    ],
)
def test_bad_wishes_are_one_sentence(
    untouched: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFACE_HOME", str(untouched / "nothing fetched"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = difface("restore", "photo.png", *QUICK, *arguments)
    assert_refused(result, said)


def assert_refused(result: Any, said: str) -> None:
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert len(lines) <= 2
    assert "Traceback" not in result.output


class TestOutputs:
    """Nothing of the user's is overwritten."""

    def test_an_existing_result_is_kept_until_overwrite(self, album: Path) -> None:
        assert restore("photo.png").exit_code == 0
        again = restore("photo.png")
        assert_refused(again, "exists already")
        assert restore("photo.png", "--overwrite").exit_code == 0

    def test_the_input_is_recognised_behind_a_link(self, album: Path) -> None:
        os.symlink("photo.png", "link.png")
        assert_refused(restore("photo.png", "-o", "link.png"), "is the input")
        assert_refused(restore("photo.png", "-o", ".", "--overwrite"), "is the input")

    def test_two_photos_of_one_name_are_not_mixed_up(
        self, album: Path, portrait: Image.Image
    ) -> None:
        Path("other").mkdir()
        portrait.save("other/photo.png")
        assert_refused(restore("photo.png", "other/photo.png"), "would both be written")
        portrait.save("photo.jpg")
        assert_refused(restore("photo.png", "photo.jpg"), "would both be written")

    def test_one_file_cannot_hold_two_photos(self, album: Path, portrait: Image.Image) -> None:
        portrait.save("second.png")
        assert_refused(restore("photo.png", "second.png", "-o", "x.png"), "one file for 2")

    def test_a_failure_while_writing_leaves_nothing_behind(
        self, album: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("difface_cli.base.atomic.os.fsync", _disk_full)
        result = restore("photo.png")
        assert_refused(result, "No space left")
        assert not (album / "restored").exists()

    def test_a_closed_folder_is_refused_before_any_work(
        self, album: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # By its answer alone: root, as whom tests often run, may write anywhere.
        monkeypatch.setattr("os.access", lambda path, mode, **_: not mode & os.W_OK)
        monkeypatch.setattr("difface_cli.tasks.preparing.prepare", None)
        Path("closed").mkdir()
        assert_refused(restore("photo.png", "-o", "closed"), "closed")


class TestGate:
    """Faces that restoring would harm are left alone."""

    @pytest.fixture
    def sharp(self, album: Path) -> Path:
        """A portrait with more detail than the starter draws."""
        picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
        picture.resize((880, 1040), Image.Resampling.BICUBIC).resize((440, 520)).save("sharp.png")
        return album / "sharp.png"

    def test_a_sharp_face_is_left_alone_with_reason_and_number(self, sharp: Path) -> None:
        result = restore("sharp.png")
        assert result.exit_code == 0, result.output
        assert re.search(r"face 0 left alone: already as good .* [\d.]+ px of 512", result.output)
        assert "--force restores" in result.output
        assert (pixels(sharp) == pixels(Path("restored/sharp.png"))).all()
        (face,) = json.loads(Path("restored/sharp.json").read_text())["faces"]
        assert not face["restored"]
        assert "already as good" in face["skipped"]

    def test_force_restores_it_and_says_what_speaks_against_that(self, sharp: Path) -> None:
        result = restore("sharp.png", "--force")
        assert "1 of 1 faces restored" in result.output
        assert "face 0 restored by --force: already as good" in result.output
        assert (pixels(sharp) != pixels(Path("restored/sharp.png"))).any()
        (face,) = json.loads(Path("restored/sharp.json").read_text())["faces"]
        assert "already as good" in face["trust"]["doubt"]

    def test_a_small_sharp_face_is_restored_where_it_is_enlarged(self, sharp: Path) -> None:
        small = Image.open(sharp).resize((110, 130), Image.Resampling.LANCZOS)
        small.save("small.png")
        result = restore("small.png", "--min-face", "8")
        assert "pixels can be without --upscale" in " ".join(result.output.split())
        assert "--upscale 2 gives small faces" in result.output
        assert "1 of 1 faces restored" in restore("small.png", "--upscale", "4", "-o", "l").output

    def test_gate_off_does_not_ask(self, sharp: Path) -> None:
        result = restore("sharp.png", "--gate", "off")
        assert "1 of 1 faces restored" in result.output
        assert "already" not in result.output


def test_trust_draws_more_seeds_than_it_writes(album: Path) -> None:
    restore("photo.png", "-o", "alone.png")
    result = restore("photo.png", "--trust", "3", "--save-faces")
    assert result.exit_code == 0, result.output
    assert Path("restored/photo.png").read_bytes() == Path("alone.png").read_bytes()
    assert not Path("restored/photo.sample2.png").exists()
    (face,) = json.loads(Path("restored/photo.json").read_text())["faces"]
    assert len(set(face["seeds"])) == 3
    assert face["trust"]["samples"] == 3
    assert face["trust"]["variation"] > 0
    assert Image.open("restored/photo_faces/00_variation.png").size == (256, 256)
    assert restore("photo.png", "--trust", "0", "-o", "none.png").exit_code == 2


class TestReport:
    """`--report` writes a page beside the result."""

    def test_a_page_a_photo(self, album: Path, portrait: Image.Image) -> None:
        name = "<script>alert(1)<&[Großmutter].png"
        portrait.save(name)
        result = restore("photo.png", name, "--report")
        assert result.exit_code == 0, result.output
        page = (album / "restored/<script>alert(1)<&[Großmutter].html").read_text()
        assert "<title>&lt;script&gt;alert(1)&lt;&amp;[Großmutter].png</title>" in page
        assert "<script>alert" not in page
        assert "no evidence of identity" in page
        # The photo twice; the face as found, drawn, estimated, degraded again, and the residual.
        assert page.count("data:image/webp;base64,") == 2 + 5
        assert not re.search(r"""(src|href)=["']?(?!data:|#|[\"'])""", page)
        assert (album / "restored/photo.html").stat().st_size < 5_000_000

    def test_is_an_output_like_any_other(self, album: Path) -> None:
        Path("restored").mkdir()
        Path("restored/photo.html").write_text("mine")
        assert_refused(restore("photo.png", "--report"), "photo.html exists already")
        assert Path("restored/photo.html").read_text() == "mine"
        assert restore("photo.png").exit_code == 0
        assert Path("restored/photo.html").read_text() == "mine"
        assert restore("photo.png", "--report", "--overwrite").exit_code == 0
        assert "<!doctype html>" in Path("restored/photo.html").read_text()

    def test_a_stream_cannot_hold_it(self, untouched: Path) -> None:
        assert_refused(restore("photo.png", "-o", "-", "--report"), "not a report")

    def test_a_name_that_is_no_text(self, album: Path) -> None:
        name = os.fsdecode(b"old\xff.png")
        os.rename("photo.png", name)
        result = restore(name, "--report")
        assert result.exit_code == 0, result.output
        assert r"old\udcff.png" in Path("restored", os.fsdecode(b"old\xff.html")).read_text()


def _disk_full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_models_file_of_ones_own_is_used(album: Path) -> None:
    Path("mine.toml").write_text(
        "[models.mine]\n"
        'task = "restore"\nprior = "starter-prior"\nestimator = "starter-estimator"\n'
        'detector = "starter-detector"\nimage_size = 128\nn = 150\nsteps = 3\n'
    )
    arguments = ["photo.png", "--models", "mine.toml", "--model", "mine", "--device", "cpu"]
    result = difface("restore", *arguments)
    assert result.exit_code == 0, result.output
    settings = json.loads((album / "restored/photo.json").read_text())["settings"]
    assert (settings["n"], settings["steps"]) == (150, 3)


def test_a_detector_of_ones_own_is_used(album: Path) -> None:
    """Here the starter's, as a file of the user's that was trained with other anchors."""
    weights = Path(images.__file__).parents[1] / "starter/detector.safetensors"
    Path("mine.toml").write_text(
        f"""
        [models.eyes]
        task = "detect"
        detector = "eyes"

        [weights.eyes]
        part = "detector"
        network = "retinaface"
        params = {{ backbone = "mobile0.25", min_sizes = [[8, 16], [32, 64], [128, 256]] }}
        sources = [{{ path = "{weights}" }}]
        sha256 = "{sha256(weights)}"
        """
    )
    result = restore("photo.png", "--models", "mine.toml", "--detector", "eyes")
    assert result.exit_code == 0, result.output
    record = json.loads((album / "restored/photo.json").read_text())
    assert set(record["model"]["weights"]) == {"starter-prior", "starter-drunet", "eyes"}


def test_the_background_is_enlarged_by_a_network_and_faces_pasted_on_top(album: Path) -> None:
    architecture = importlib.import_module("spandrel.architectures.Compact.__arch.SRVGG")
    torch.manual_seed(0)
    network = architecture.SRVGGNetCompact(num_feat=8, num_conv=2, upscale=2)
    save_file(network.state_dict(), "x2.safetensors")
    Path("mine.toml").write_text(
        f"""
        [models.x2]
        task = "background"
        background = "x2"

        [weights.x2]
        part = "background"
        network = "spandrel"
        params = {{ scale = 2 }}
        sources = [{{ path = "x2.safetensors" }}]
        sha256 = "{sha256(Path("x2.safetensors"))}"
        """
    )
    wishes = ["--models", "mine.toml", "--background", "x2", "--upscale", "2"]
    result = restore("photo.png", *wishes)
    assert result.exit_code == 0, result.output
    after = pixels(album / "restored/photo.png").astype(int)
    with torch.inference_mode():
        x = torch.from_numpy(pixels(album / "photo.png").copy()).permute(2, 0, 1)[None] / 255
        drawn = (network(x).clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy()
    assert np.abs(after - drawn)[380:].max() <= 1
    assert np.abs(after - drawn)[120:200, 120:200].max() > 20


def test_sixteen_bits_and_grey_come_back_as_they_were(album: Path, portrait: Image.Image) -> None:
    deep = np.asarray(portrait.convert("L"), np.uint16)[..., None] * 257
    images.write(images.Photo(deep), Path("deep.png"))
    restore("deep.png")
    after = images.read(Path("restored/deep.png"))
    assert after.depth == 16
    assert after.is_gray_file
    assert (after.pixels != deep).any()
