"""Every bad file is one line, stops no other, and leaves nothing anywhere."""

from __future__ import annotations

import math
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFile
from typer.testing import CliRunner

from difface_cli.cli.app import build
from difface_cli.cli.photos import LISTED
from tests.cli import quick

from . import corpus
from .corpus import Bad


def run(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus", numbered=False)


@pytest.fixture(scope="module")
def bad(folder: Path) -> list[Bad]:
    (folder / "in").mkdir()
    made = corpus.make(folder / "in")
    return [file for file in made if "\0" not in file.name]  # no shell can name that


def _printed(name: str) -> str:
    """A name as an error shows it."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pixels of each picture that Pillow decodes from now on."""
    sizes: list[int] = []
    load = ImageFile.ImageFile.load

    def noted(image: ImageFile.ImageFile) -> object:
        sizes.append(math.prod(image.size))
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", noted)
    return sizes


def test_restore_tells_each_and_does_all_others(
    folder: Path,
    bad: list[Bad],
    decoded: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder / "in")
    monkeypatch.setattr("difface_cli.models.load", quick.loader())
    bad = [file for file in bad if not (folder / "in" / file.name[:200]).is_dir()]
    before = sorted(path.name for path in (folder / "in").iterdir())
    tracemalloc.start()
    try:
        done = run("restore", "-o", "../out", *quick.OPTIONS, "--", *(file.name for file in bad))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    assert "unexpected" not in done.output
    assert capfd.readouterr() == ("", "")  # from the libraries
    refused = [file for file in bad if not file.readable]
    lines = done.stderr.splitlines()
    errors = lines[lines.index(f"failed: {len(refused)} of {len(bad)} photos:") + 1 :]
    assert errors.pop() == f"  … and {len(refused) - LISTED} more"
    for file, error in zip(refused[:LISTED], errors, strict=True):
        assert error.startswith(f"  {_printed(file.name)} "), error
    records = [path for path in (folder / "out").iterdir() if path.suffix == ".json"]
    assert len(records) == len(bad) - len(refused)
    assert sorted(path.name for path in folder.iterdir()) == ["in", "out"]
    assert sorted(path.name for path in (folder / "in").iterdir()) == before
    # The bombs would be 81 million pixels, and 100 MB of text.
    assert max(decoded) < 10**6
    assert peak < 7 * 10**7


@pytest.mark.parametrize("name", ["bomb_png.png", "pipe.jpg", "up.jpg", "ping.jpg", "text.jpg"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["restore", "NAME"],
        ["inpaint", "NAME", "--aligned"],
        ["inpaint", "fine_plain_png.png", "--mask", "NAME", "--aligned"],
        ["colorize", "NAME"],
        ["sweep-n", "NAME"],
    ],
)
def test_a_bad_file_alone_is_one_sentence(
    name: str,
    arguments: list[str],
    folder: Path,
    bad: list[Bad],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert any(file.name == name for file in bad)
    monkeypatch.chdir(folder / "in")
    done = run(*(name if word == "NAME" else word for word in arguments), "-o", "../none")
    assert done.exit_code == 2
    assert done.stderr.count("error: ") == 1, done.stderr
    assert done.stderr.count("hint: ") == 1
    assert "unexpected" not in done.stderr
    assert not (folder / "none").exists()
