"""Measures find their networks, and go on without those that are not here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from difface_cli import registry
from difface_cli.errors import UsageError
from difface_cli.evaluation import catalogue, networks
from difface_cli.evaluation.measuring import Picture
from difface_cli.hashing import sha256
from difface_cli.weights.convert import Form
from difface_cli.weights.fetch import Way, fetch

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))


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

    monkeypatch.setattr("difface_cli.perception.build_lpips", build)
    monkeypatch.setattr("difface_cli.perception.lpips_distance", lambda network, a, b: 0.25)
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
    monkeypatch.setattr("difface_cli.perception.build_inception", refuse)
    ready = equip(("fid-g",), registry.load())
    assert not ready.measures
    assert ready.missing["fid-g"] == "FID needs the library torch-fidelity. Install it."


def test_every_network_is_built_checked_and_kept() -> None:
    from difface_cli.fitting import CHECKS

    known = registry.load()
    for measure in catalogue.MEASURES.values():
        if measure.weights:
            network = known.weights[measure.weights].network
            assert network in networks.BUILDERS
            assert network in networks.KEPT
            assert network in CHECKS
            assert known.models[measure.weights].parts == {"metrics": measure.weights}
