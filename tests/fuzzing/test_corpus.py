"""Every bad file is one line, stops no other, and leaves nothing anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from difface_cli.cli.app import build
from difface_cli.cli.photos import LISTED

from . import corpus, running
from .corpus import Bad

LIMIT = 120  # seconds, for all files on the slowest machine; a hang is longer


WATCHED = """
import atexit, runpy, sys
from pathlib import Path

status = Path(sys.argv.pop(1))
atexit.register(lambda: status.write_bytes(Path("/proc/self/status").read_bytes()))
runpy.run_module("difface_cli", run_name="__main__", alter_sys=True)
"""
"""The command, whose memory is written to a file at its end. What a parent is told of its children
counts the parent's own pages from before they became another program."""


def _run(*arguments: str, folder: Path, status: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", WATCHED, status, *arguments],
        cwd=folder,
        capture_output=True,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )


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


def test_restore_tells_each_and_does_all_others(
    folder: Path, bad: list[Bad], tmp_path: Path
) -> None:
    bad = [file for file in bad if not (folder / "in" / file.name[:200]).is_dir()]
    before = sorted(path.name for path in (folder / "in").iterdir())
    names, status = [file.name for file in bad], tmp_path / "status"
    done = _run("restore", "-o", "../out", "--", *names, folder=folder / "in", status=status)
    told = done.stderr.decode()
    assert done.returncode == 1, told
    assert "Traceback" not in told
    assert "unexpected" not in told
    refused = [file for file in bad if not file.readable]
    lines = told.splitlines()
    errors = lines[lines.index(f"failed: {len(refused)} of {len(bad)} photos:") + 1 :]
    assert errors.pop() == f"  … and {len(refused) - LISTED} more"
    for file, error in zip(refused[:LISTED], errors, strict=True):
        assert error.startswith(f"  {_printed(file.name)} "), error
    records = [path for path in (folder / "out").iterdir() if path.suffix == ".json"]
    assert len(records) == len(bad) - len(refused)
    assert sorted(path.name for path in folder.iterdir()) == ["in", "out"]
    assert sorted(path.name for path in (folder / "in").iterdir()) == before
    peak = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    assert peak < running.MEMORY


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
    app, _ = build()
    words = [name if word == "NAME" else word for word in arguments]
    done = CliRunner().invoke(app, [*words, "-o", "../none"])
    assert done.exit_code == 2
    assert done.stderr.count("error: ") == 1, done.stderr
    assert done.stderr.count("hint: ") == 1
    assert "unexpected" not in done.stderr
    assert not (folder / "none").exists()
