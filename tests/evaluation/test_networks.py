"""Measures find their networks, and go on without those that are not here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.base.hashing import sha256
from difface_cli.evaluation import catalogue, networks
from difface_cli.evaluation.measurement import Picture
from difface_cli.weights import registry
from difface_cli.weights.convert import Form
from difface_cli.weights.fetch import Way, fetch
from tests.metrics.forests import natural_arrays, stand_in

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))


@pytest.fixture
def pyiqa(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return stand_in(monkeypatch)


def equip(names: tuple[str, ...], known: registry.Registry, **options: Any) -> networks.Equipped:
    eyes = known.weights["starter-detector"]
    return networks.equip(catalogue.choose(names), known, eyes, CPU, **options)


def test_without_weights_the_rest_goes_on() -> None:
    ready = equip(("psnr", "lmd", "lpips", "fid-g", "fd-g"), registry.load())
    assert [m.name for m in ready.measures] == ["psnr", "lmd", "fd-g"]
    assert ready.missing == {
        "lpips": "difface fetch-weights lpips-vgg16",
        "fid-g": "difface fetch-weights fid-inception",
    }
    assert set(ready.instruments.single) == {"landmarks", "detector"}
    hash_of_detector = registry.load().weights["starter-detector"].sha256
    assert ready.instruments.what("detector").endswith(hash_of_detector)


def test_features_may_be_wanted_alone() -> None:
    assert set(equip(("psnr",), registry.load(), features=("detector",)).instruments.single) == {
        "detector"
    }


def test_fetched_weights_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of VGG's names, by way of the store: only the features are kept of it."""
    made: list[list[str]] = []

    def build(state: Any, device: Any) -> Any:
        made.append(sorted(state))
        return state

    monkeypatch.setattr("difface_cli.metrics.perception.build_lpips", build)
    monkeypatch.setattr("difface_cli.metrics.perception.lpips_distance", lambda network, a, b: 0.25)
    torch.save(
        {"features.0.weight": torch.zeros(1), "classifier.0.weight": torch.zeros(9)},
        tmp_path / "vgg.pth",
    )
    (tmp_path / "models.toml").write_text(f"""
        [weights.lpips-vgg16]
        part = "metrics"
        network = "lpips"
        sha256 = "{sha256(tmp_path / "vgg.pth")}"
        [[weights.lpips-vgg16.sources]]
        url = "https://example.org/vgg.pth"
        prefix = "features."
    """)
    known = registry.load(tmp_path / "models.toml")
    weights = known.weights["lpips-vgg16"]
    checks = {"lpips": lambda weights, state: None}
    fetch(weights, Way(folder=tmp_path, form=Form(checks=checks)))
    ready = equip(("lpips",), known)
    assert made == [["0.weight"]]
    assert not ready.missing
    picture = Picture(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32))
    assert ready.instruments.slow["lpips"](picture, picture, None) == 0.25
    assert ready.instruments.what("lpips").endswith(weights.sha256)


def test_a_missing_library_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise UsageError("FID needs the library torch-fidelity.", "Install it.")

    monkeypatch.setattr(networks, "verified", lambda weights: Path())
    monkeypatch.setattr(networks, "read_tensors", lambda path, device: {})
    monkeypatch.setattr("difface_cli.metrics.perception.build_inception", refuse)
    ready = equip(("fid-g",), registry.load())
    assert not ready.measures
    assert ready.missing["fid-g"] == "FID needs the library torch-fidelity. Install it."


def test_every_network_is_built_checked_and_kept() -> None:
    from difface_cli.models.fitting import CHECKS

    known = registry.load()
    for measure in catalogue.MEASURES.values():
        for name in measure.weights if measure.name not in networks.BY_PYIQA else ():
            network = known.weights[name].network
            assert network in networks.BUILDERS
            assert network in CHECKS
            assert known.models[name].parts == {"metrics": name}


FOREST = """
    [weights.nrqm]
    part = "metrics"
    network = "nrqm"
    sources = [{ path = "NRQM_model.mat" }]
"""


def own(tmp_path: Path, sha256: str = "") -> registry.Registry:
    line = f'sha256 = "{sha256}"' if sha256 else ""
    (tmp_path / "models.toml").write_text(f"{FOREST}\n{line}")
    return registry.load(tmp_path / "models.toml")


def ramp(side: int) -> Picture:
    """From black to white: 0.5 in the mean."""
    values = np.tile(np.linspace(0, 1, side, dtype=np.float32)[:, None], (side, 1, 3))
    return Picture(np.zeros((side, side, 3), np.uint8), values)


def test_pyiqa_is_asked_for_only_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)  # as where it is not installed
    assert not {m.name for m in catalogue.choose(())} & {"nrqm", "pi"}
    ready = equip(("psnr", "nrqm", "pi"), registry.load())
    assert [m.name for m in ready.measures] == ["psnr"]
    for name in ("nrqm", "pi"):
        assert "need the library pyiqa." in ready.missing[name]
        assert "non-commercial" in ready.missing[name]
        assert "pip install --no-deps pyiqa" in ready.missing[name]


def test_without_its_forest_the_next_step_is_told(tmp_path: Path, pyiqa: ModuleType) -> None:
    nothing = equip(("nrqm",), registry.load()).missing["nrqm"]
    assert "[weights.nrqm]" in nothing
    assert "sha256" in nothing
    assert "NRQM_model.mat" in nothing
    away = equip(("nrqm",), own(tmp_path, "0" * 64)).missing["nrqm"]
    assert f"not on this machine at {tmp_path / 'NRQM_model.mat'}" in away
    (tmp_path / "NRQM_model.mat").write_bytes(b"forest")
    with pytest.raises(WeightsInvalid, match="no hash") as told:
        equip(("nrqm",), own(tmp_path))
    assert sha256(tmp_path / "NRQM_model.mat") in told.value.hint
    with pytest.raises(WeightsInvalid, match="not what the weights nrqm should be"):
        equip(("nrqm",), own(tmp_path, "0" * 64))


def test_pi_needs_the_statistics_of_niqe_too(tmp_path: Path, pyiqa: ModuleType) -> None:
    (tmp_path / "NRQM_model.mat").write_bytes(b"forest")
    known = own(tmp_path, sha256(tmp_path / "NRQM_model.mat"))
    ready = equip(("nrqm", "pi", "niqe"), known)
    assert [m.name for m in ready.measures] == ["nrqm"]
    assert ready.missing == dict.fromkeys(("pi", "niqe"), "difface fetch-weights niqe")
    assert ready.instruments.of_results == {"nrqm"}
    (value,) = ready.instruments.single["nrqm"](ramp(90)) or ()
    assert value == pytest.approx(5)  # ten times the mean, says the stand-in


def test_values_by_pyiqa_are_kept_by_its_version_and_all_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pyiqa: ModuleType
) -> None:
    forest, statistics = tmp_path / "NRQM_model.mat", tmp_path / "niqe.safetensors"
    forest.write_bytes(b"forest")
    save_file({n: torch.from_numpy(a) for n, a in natural_arrays().items()}, statistics)
    block = FOREST.replace("nrqm", "niqe").replace(forest.name, statistics.name)
    hashes = {name: sha256(path) for name, path in (("nrqm", forest), ("niqe", statistics))}
    (tmp_path / "models.toml").write_text(
        f'{FOREST}sha256 = "{hashes["nrqm"]}"\n{block}sha256 = "{hashes["niqe"]}"'
    )
    known = registry.load(tmp_path / "models.toml")
    first = equip(("nrqm", "pi"), known).instruments
    assert hashes["nrqm"] in first.what("nrqm")
    assert hashes["niqe"] not in first.what("nrqm")
    assert all(digest in first.what("pi") for digest in hashes.values())
    (value,) = first.single["pi"](ramp(200)) or ()
    assert value == pytest.approx(((10 - 5) + 3.25) / 2)
    monkeypatch.setattr(pyiqa, "__version__", "another")
    assert equip(("nrqm",), known).instruments.what("nrqm") != first.what("nrqm")
