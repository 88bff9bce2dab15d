"""Whatever goes wrong with a photo, the others are untouched, and telling never fails one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner

from difface_cli.cli import lines, photos
from difface_cli.cli.app import build
from tests.cli import quick

PHOTOS = ("000.png", "001.png", "002.png")


@pytest.fixture(autouse=True)
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick.photos(tmp_path / "album", 3)


def restore(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["restore", "album", "-o", "out", *quick.OPTIONS, *arguments])


def poisoned(monkeypatch: pytest.MonkeyPatch, raised: Exception, at: str) -> None:
    """Let the second photo fail at a stage."""
    count = iter(range(100))

    def hook() -> None:
        if next(count) == 1:
            raise raised

    if at == "drawing":
        monkeypatch.setattr("difface_cli.models.load", quick.loader(hook))
        return
    monkeypatch.setattr("difface_cli.models.load", quick.loader())
    place = {
        "reading": "difface_cli.images.read_bytes",
        "finding": "difface_cli.tasks.preparing.find",
        "judging": "difface_cli.trust.measures.measure",
        "pasting": "difface_cli.faces.paste.paste_all",
        "recording": "difface_cli.records.record.record",
        "writing": "difface_cli.images.encode",
    }[at]
    real = _resolve(place)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        hook()
        return real(*arguments, **named)

    monkeypatch.setattr(place, wrapped)


def _resolve(dotted: str) -> Callable[..., Any]:
    from importlib import import_module

    module, _, name = dotted.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


STAGES = ("reading", "finding", "drawing", "judging", "pasting", "recording", "writing")


@pytest.mark.parametrize("raised", [RuntimeError("poison"), cv2.error("poison"), KeyError("x")])
@pytest.mark.parametrize("at", STAGES)
def test_one_photo_fails_alone(monkeypatch: pytest.MonkeyPatch, at: str, raised: Exception) -> None:
    poisoned(monkeypatch, raised, at)
    result = restore()
    assert result.exit_code == 1, result.output
    assert "failed: 1 of 3 photos" in result.stderr
    assert "001.png" in result.stderr
    assert "Traceback" not in result.output
    written = sorted(path.name for path in Path("out").iterdir() if path.suffix == ".png")
    assert written == ["000.png", "002.png"]
    told = [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    assert {line["photo"]: line["status"] == "failed" for line in told} == {
        "000.png": False, "001.png": True, "002.png": False,
    }  # fmt: skip


def test_in_a_batch_of_several_photos_the_bad_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def bad() -> None:
        raise RuntimeError("poison")

    calls: list[int] = []
    load = quick.loader()

    def loaded(*arguments: Any, **named: Any) -> Any:
        from dataclasses import replace

        ready = load(*arguments, **named)
        plain = ready.denoise

        def denoise(x: Any, t: Any) -> Any:
            calls.append(len(x))
            if len(x) > 1 or len(calls) == 3:  # the call of three, and then one of the three
                bad()
            return plain(x, t)

        return replace(ready, denoise=denoise)

    monkeypatch.setattr("difface_cli.models.load", loaded)
    result = restore("--batch", "3")
    assert result.exit_code == 1, result.output
    assert "failed: 1 of 3 photos" in result.stderr
    assert calls[0] == 3


@pytest.mark.parametrize(
    "raised", [UnicodeEncodeError("ascii", "ä", 0, 1, "no"), OSError("closed")]
)
def test_a_print_that_fails_fails_no_photo(
    monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    monkeypatch.setattr("difface_cli.models.load", quick.loader())

    def broken(*_: object) -> Any:
        raise raised

    monkeypatch.setattr(lines, "of", broken)
    result = restore()
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("out").glob("*.png")} == set(PHOTOS)


def test_a_closed_stdout_fails_no_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difface_cli.models.load", quick.loader())

    def closed(*_: object, **__: object) -> str:
        raise BrokenPipeError

    monkeypatch.setattr(photos.Printer, "_write", closed)
    result = restore("--json")
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("out").glob("*.png")} == set(PHOTOS)
