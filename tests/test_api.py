"""The Python API: its page's examples run, and its results are the command line's."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import difface_cli as difface
from difface_cli import images
from difface_cli.base.errors import DeviceError, DifFaceError, ImageError, OutputError, UsageError
from difface_cli.cli.app import build
from difface_cli.faces.by_hand import face_in_box
from difface_cli.images import Photo
from difface_cli.runs.restorer import Restorer
from tests.cli import quick

TOP = Path(__file__).parents[1]
PHOTO = TOP / "examples/photos/astronaut_old.jpg"
WISHES: dict[str, Any] = {"n": 100, "steps": 2}
OPTIONS = ["--n", "100", "--steps", "2", "--device", "cpu", "--precision", "fp32"]
HEAVY = ("torch", "numpy", "PIL", "cv2")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with photos."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "album/one.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PHOTO.read_bytes())
    Image.open(PHOTO).convert("L").save(tmp_path / "grey.jpg")
    return tmp_path


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Restorer:
    """A model that draws in milliseconds, for photos of any content."""
    monkeypatch.setattr("difface_cli.models.load", quick.loader())
    return difface.load("starter", device="cpu", precision="fp32")


@pytest.fixture
def pixels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(1, 256, (40, 48, 3), dtype=np.uint8)


def command(*arguments: str) -> None:
    app, _ = build()
    result = CliRunner().invoke(app, [*arguments, *OPTIONS])
    assert result.exit_code == 0, result.output


def same(a: difface.Result, b: difface.Result) -> bool:
    return np.array_equal(np.stack(a.arrays), np.stack(b.arrays))


def test_the_examples_of_the_page_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (TOP / "docs/api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) > 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/api.md", "exec"), names)
    for written in ("restored/photo.json", "restored/one.jpg", "coloured.png", "coloured.html"):
        assert (place / written).exists()
    before, mask = names["pixels"], names["mask"]
    filled = names["filled"].arrays[0]
    assert np.array_equal(filled[~mask], before[~mask])
    assert not np.array_equal(filled[mask], before[mask])
    assert np.ptp(names["coloured"].arrays[0], axis=2).max() > 10
    assert "N must be 0 to" in capsys.readouterr().out


def test_importing_the_package_imports_no_library() -> None:
    script = f"import difface_cli, sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_starter_restores_to_the_same_bytes_as_the_command() -> None:
    command("restore", "photo.jpg", "-o", "cli.jpg")
    starter = difface.load("starter", device="cpu", precision="fp32")
    result = starter.restore("photo.jpg", **WISHES)
    record = result.save("api.jpg")
    assert Path("api.jpg").read_bytes() == Path("cli.jpg").read_bytes()
    assert not result.faces[0].skipped
    assert record["faces"][0]["restored"]
    with pytest.raises(OutputError, match="exists already"):
        result.save("api.jpg")
    with pytest.raises(OutputError, match="never changed"):
        result.save("photo.jpg", overwrite=True)
    assert Path("photo.jpg").read_bytes() == PHOTO.read_bytes()


@pytest.mark.parametrize(
    ("task", "arguments", "do"),
    [
        ("restore", ["--gate", "off"], lambda m, p: m.restore(p, gate="off", **WISHES)),
        ("restore", ["--fast", "--force", "--samples", "2"],
         lambda m, p: m.restore(p, fast=True, gate="force", samples=2, **WISHES)),
        ("inpaint", ["--mask", "mask.png", "--mask-grow", "2"],
         lambda m, p: m.inpaint(p, Path("mask.png"), grow=2, **WISHES)),
        ("colorize", ["--desaturate", "--seed", "3"],
         lambda m, p: m.colorize(p, desaturate=True, seed=3, **WISHES)),
    ],
)  # fmt: skip
def test_every_task_gives_the_bytes_of_its_command(
    model: Restorer,
    pixels: np.ndarray[Any, Any],
    task: str,
    arguments: list[str],
    do: Callable[[Restorer, str], difface.Result],
) -> None:
    Image.fromarray(pixels).save("noise.png")
    hole = np.zeros((40, 48), np.uint8)
    hole[15:25, 20:30] = 255
    Image.fromarray(hole).save("mask.png")
    command(task, "noise.png", "-o", "cli.png", *arguments)
    result = do(model, "noise.png")
    result.save("api.png")
    assert not result.faces[0].skipped
    assert Path("api.png").read_bytes() == Path("cli.png").read_bytes()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("form", ["grey", "colour", "opacity"])
def test_an_array_stands_for_the_file_it_would_be(
    model: Restorer, pixels: np.ndarray[Any, Any], depth: int, form: str
) -> None:
    array = pixels.astype(np.uint16) * 257 if depth == 16 else pixels
    alpha = None
    if form == "grey":
        given = array[..., 0]
        array = given[..., None]
    elif form == "opacity":
        given = np.dstack([array, array[..., 0]])
        alpha = array[..., 0]
    else:
        given = array
    images.write(Photo(array, alpha), Path("array.png"))
    result = model.restore(given, gate="off", **WISHES)
    assert same(result, model.restore("array.png", gate="off", **WISHES))
    drawn = result.arrays[0]
    assert (drawn.dtype, drawn.shape) == (array.dtype, array.shape)
    assert np.array_equal(drawn[0], array[0])  # outside the face
    assert not np.array_equal(drawn, array)
    assert result.image.size == (48, 40)


def test_a_picture_of_pillow_stands_for_the_file_it_would_be(model: Restorer) -> None:
    picture = Image.open(PHOTO)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned, as by a phone
    picture.save("turned.jpg", exif=exif)
    file = io.BytesIO()
    turned = Image.open("turned.jpg")
    turned.save(file, "PNG", exif=turned.getexif())
    result = model.restore(turned, gate="off", **WISHES)
    assert same(result, model.restore(file.getvalue(), gate="off", **WISHES))
    assert result.image.size == (picture.height, picture.width)
    cmyk = model.restore(picture.convert("CMYK"), gate="off", **WISHES)
    assert cmyk.arrays[0].shape == (picture.height, picture.width, 3)


def test_a_mask_may_be_an_array(model: Restorer, pixels: np.ndarray[Any, Any]) -> None:
    mask = np.zeros((40, 48), bool)
    mask[15:25, 20:30] = True
    of_bool = model.inpaint(pixels, mask, **WISHES)
    assert same(of_bool, model.inpaint(pixels, mask * np.uint8(255), **WISHES))
    assert same(of_bool, model.inpaint(pixels, ~mask, invert=True, **WISHES))
    filled = of_bool.arrays[0]
    assert np.array_equal(filled[~mask], pixels[~mask])
    assert not np.array_equal(filled[mask], pixels[mask])


def test_a_face_by_hand_or_an_aligned_one_spoils_no_later_call(
    monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray[Any, Any]
) -> None:
    asked = []
    quickly = quick.loader()

    def load(*arguments: Any, detector: bool = True, **rest: Any) -> Any:
        asked.append(detector)
        return quickly(*arguments, **rest)

    monkeypatch.setattr("difface_cli.models.load", load)
    model = difface.load("starter", device="cpu")
    model.restore(pixels, by_hand=(face_in_box(10, 8, 24, 28),), gate="off", **WISHES)
    for _ in range(2):
        model.restore(pixels, gate="off", **WISHES)
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("do", "error", "says"),
    [
        (lambda m: m.restore("photo.jpg", n=5000), UsageError, "N must be 0 to"),
        (lambda m: m.restore("photo.jpg", n="300"), UsageError, "timestep or auto, not '300'"),
        (lambda m: m.restore("photo.jpg", upscale=3), UsageError, "--upscale"),
        (lambda m: m.restore("none.jpg"), ImageError, "none.jpg does not exist"),
        (lambda m: m.restore(np.zeros((40, 40, 3))), ImageError, "not float64"),
        (lambda m: m.restore(np.zeros((40, 40, 5), np.uint8)), ImageError, "no picture"),
        (lambda m: m.restore(Image.new("F", (40, 40))), ImageError, "not float32"),
        (lambda m: m.restore(np.zeros((4, 4, 3), np.uint8)), ImageError, "at least 16"),
        (lambda m: m.inpaint("photo.jpg", n="auto"), UsageError, "timestep, not 'auto'"),
        (lambda m: m.inpaint("photo.jpg", upscale=2), UsageError, "inpaint has no upscale"),
        (lambda m: m.inpaint("photo.jpg", np.ones((9, 9), bool)), ImageError, "at least 16"),
        (lambda m: m.inpaint("photo.jpg", refine="magic"), UsageError, "not 'magic'"),
        (lambda m: m.colorize("photo.jpg"), ImageError, "in colour already"),
        (lambda m: m.colorize("photo.jpg", gray="on"), UsageError, "colorize has no gray"),
    ],
)  # fmt: skip
def test_what_the_command_refuses_is_a_sentence(
    model: Restorer, do: Callable[[Restorer], object], error: type[DifFaceError], says: str
) -> None:
    with pytest.raises(error, match=says):
        do(model)


@pytest.mark.parametrize("wish", [{"device": "abacus"}, {"precision": "fp1"}])
def test_an_unknown_device_or_precision_is_a_sentence(wish: dict[str, str]) -> None:
    with pytest.raises(DeviceError, match="Choose one of auto"):
        difface.load("starter", **wish)


def test_wishes_are_refused_at_once_and_a_bad_photo_ends_no_run(model: Restorer) -> None:
    with pytest.raises(UsageError):
        model.restore_all(["photo.jpg"], n=5000)
    results = model.restore_all(["none.jpg", "photo.jpg"], gate="off", **WISHES)
    with pytest.raises(ImageError):
        next(results)
    assert not next(results).faces[0].skipped
