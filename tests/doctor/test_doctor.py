"""Each check with a fault of its own: told as failed, with what to do, and no other disturbed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from difface_cli import doctor
from difface_cli.base.errors import WeightsMissing
from difface_cli.base.plugins import Plugin
from difface_cli.doctor import (
    FAILED,
    NOTE,
    OK,
    Check,
    Finding,
    examine,
    hardware,
    models,
    software,
)
from difface_cli.images import with_pixels
from difface_cli.tasks import Engine, Scene
from difface_cli.weights import registry
from difface_cli.weights.registry import Registry, Source, Weights


def found(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    findings = list(examine([Check("it", look, "Do this.")]))
    for finding in findings:
        assert finding.told
        assert finding.hint or finding.state != FAILED
    return findings


def states(look: Callable[[], Iterator[Finding]]) -> list[str]:
    return [finding.state for finding in found(look)]


@pytest.mark.parametrize(
    "error", [ImportError("x"), SystemExit(3), RuntimeError(""), WeightsMissing("Gone.", "Fetch.")]
)
def test_what_a_check_raises_is_its_finding_alone(error: BaseException) -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("a", OK, "so far")
        raise error

    fine = Check("b", lambda: iter([Finding("b", OK, "well")]), "")
    findings = list(examine([Check("a", broken, "Do this."), fine]))
    assert [(f.check, f.state) for f in findings] == [("a", OK), ("a", FAILED), ("b", OK)]
    assert findings[1].hint == ("Fetch." if isinstance(error, WeightsMissing) else "Do this.")


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(software.python) == [OK]
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert states(software.python) == [FAILED]


def test_the_libraries_are_those_of_the_package() -> None:
    names = software.required()
    assert {"torch", "numpy", "pillow", "safetensors", "opencv-python"} <= set(names)
    assert not {"pytest", "spandrel"} & set(names)
    assert [
        s for name in ("numpy", "pillow") for s in states(lambda n=name: software.library(n))
    ] == [
        OK,
        OK,
    ]


def test_a_library_that_is_not_there_too_old_or_lacks_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look() -> Iterator[Finding]:
        return software.library("numpy")

    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda _: "1.26.4")
        (finding,) = found(look)
        assert finding.state == FAILED
        assert "1.26.4" in finding.told
        assert "--upgrade numpy" in finding.hint
    for said, hint in (("No module named numpy", "Do this."), ("libGL.so.1: cannot", "apt-get")):

        def absent(_: str, said: str = said) -> None:
            raise ImportError(said)

        monkeypatch.setattr(software, "import_module", absent)
        (finding,) = found(look)
        assert finding.state == FAILED
        assert hint in finding.hint
    monkeypatch.setattr(software, "find_spec", lambda _: None)
    assert states(software.extras) == [NOTE] * len(software.EXTRAS)


def test_a_plugin_that_was_skipped() -> None:
    good = Plugin("a", "difface-cli", "1", "x")
    bad = Plugin("b", "other", "1", "x", error="ImportError: no y")
    assert [f.state for f in software.loaded([good])] == [OK]
    skipped, rest = software.loaded([good, bad])
    assert (skipped.state, skipped.told) == (FAILED, "ImportError: no y")
    assert "other" in skipped.hint
    assert rest.told == "1 of 2 loaded"


def test_a_device_that_computes_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(states(hardware.devices)) == {OK}
    told = found(hardware.devices)[0].told
    assert "fp32" in told
    assert "fp16" not in told  # a CPU is not asked to
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda x, w: torch.full((1, 4, 6, 6), float("nan"))
    )
    assert found(hardware.devices)[0].state == FAILED


def test_torch_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise RuntimeError("driver too old")

    monkeypatch.setattr(torch.cuda, "device_count", broken)
    assert states(hardware.devices) == [FAILED]


def _registry(weights: Weights) -> Registry:
    return Registry(MappingProxyType({}), MappingProxyType({weights.name: weights}))


def test_weights_here_changed_gone_unreadable_and_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"weights")
    digest = "9db54ac4dd8a4f27c8f28f0eff52d5a5ed7b2a9fc6e0e4c0a8a4a9d4b5ee8f06"
    local = Source("path", str(path), sha256=digest)
    mine = Weights("mine", "prior", "unet", sources=(local,))
    assert states(lambda: models.weights(_registry(mine))) == [FAILED]
    from difface_cli.base.hashing import sha256

    whole = replace(mine, sources=(replace(local, sha256=sha256(path)),))
    assert states(lambda: models.weights(_registry(whole))) == [OK]
    with monkeypatch.context() as patch:

        def denied(_: Path) -> str:
            raise PermissionError(13, "Permission denied")

        patch.setattr("difface_cli.weights.store.sha256", denied)
        assert states(lambda: models.weights(_registry(whole))) == [FAILED]
    path.unlink()
    assert states(lambda: models.weights(_registry(whole))) == [FAILED]
    remote = Weights("far", "prior", "unet", sources=(Source("url", "https://x.example/a.pth"),))
    (note,) = found(lambda: models.weights(_registry(remote)))
    assert (note.state, note.told) == (NOTE, "not here: far")
    assert "fetch-weights" in note.hint


@pytest.mark.parametrize(("free", "state"), [(0, FAILED), (50e6, FAILED), (1e9, NOTE), (100e9, OK)])
def test_a_disk_that_is_full(
    free: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert states(lambda: hardware.place("output", tmp_path / "not" / "yet")) == [state]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    (finding,) = found(lambda: hardware.place("cache", tmp_path))
    assert finding.state == FAILED
    assert "Permission denied" in finding.told


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "restored").write_text("")
    assert states(lambda: hardware.place("output", tmp_path / "restored")) == [FAILED]


def _fake(change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Callable[..., Any]:
    def restore(_: Engine, scene: Scene) -> Any:
        return SimpleNamespace(photos=[with_pixels(scene.photo, change(scene.photo.pixels))])

    return restore


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda x: x, FAILED),
        (np.zeros_like, FAILED),
        (lambda x: np.full_like(x, 120), FAILED),
        (lambda x: 255 - x, FAILED),
        (lambda x: np.roll(x, 1, axis=0), OK),
    ],
)
def test_a_restoration_that_gives_no_face(
    change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Engine, "run", _fake(change))
    assert states(lambda: models.restoration(registry.load())) == [state]


def test_a_restoration_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def restore(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Engine, "run", restore)
    (finding,) = found(lambda: models.restoration(registry.load()))
    assert "out of memory" in finding.told


def test_a_broken_list_of_models_costs_only_what_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text("[models")
    checks = doctor.checks(lambda: registry.load(path), [], tmp_path)
    needed = {"models.toml", "weights", "restoration"}
    findings = list(examine([check for check in checks if check.name in {*needed, "output"}]))
    assert {f.check for f in findings if f.state == FAILED} == needed
    assert [f.state for f in findings if f.check == "output"] == [OK]
