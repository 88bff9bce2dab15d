"""Forests of NRQM in the authors' layout, and a stand-in for the library that grows them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat

from difface_cli.metrics.niqe import FEATURES, NAMES

LINEAR = (0.5, 1.0, 2.0, -3.0)


def natural_arrays() -> dict[str, Any]:
    """Made-up statistics of natural pictures."""
    rng = np.random.default_rng(1)
    spread = rng.normal(size=(FEATURES, 2 * FEATURES))
    arrays = (rng.random((1, FEATURES)), np.cov(spread), np.full((7, 7), 1 / 49))
    return dict(zip(NAMES, arrays, strict=True))


def write_forest(path: Path, leaves: tuple[float, float, float], split: float = np.inf) -> None:
    """Three forests of one tree: up to `split` of its first feature each says its leaf, else 0."""
    forests = np.empty((1, 3), object)
    for k, leaf in enumerate(leaves):
        numbers = {
            "lDau": np.array([[2], [0], [0]], np.int32),
            "rDau": np.array([[3], [0], [0]], np.int32),
            "nodestatus": np.array([[-3], [-1], [-1]], np.int8),
            "nrnodes": 3.0,
            "upper": np.array([[split], [0.0], [0.0]]),
            "avnode": np.array([[99.0], [leaf], [0.0]]),
            "mbest": np.array([[1], [0], [0]], np.int32),
        }
        forests[0, k] = numbers
    savemat(path, {"model": {"linear": np.array(LINEAR)[:, None], "rf": forests}})


def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A pyiqa whose NRQM is ten times the mean, and whose NIQE is 3.25, with what it was given."""
    made: list[Any] = []

    class Network(torch.nn.Module):
        def __init__(self, pretrained_model_path: Any, **options: Any) -> None:
            super().__init__()
            self.file, self.options = pretrained_model_path, options
            made.append(self)

    class NRQM(Network):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.ndim == 4
            assert x.shape[1] == 3
            return x.mean() * 10

    class NIQE(Network):
        def __init__(self, pretrained_model_path: Any, **options: Any) -> None:
            super().__init__(pretrained_model_path, **options)
            self.parameters_read = loadmat(pretrained_model_path)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor(3.25, dtype=torch.float64)

    modules = {"pyiqa": {"__version__": "0", "made": made}, "pyiqa.archs": {}}
    modules |= {"pyiqa.archs.nrqm_arch": {"NRQM": NRQM}, "pyiqa.archs.niqe_arch": {"NIQE": NIQE}}
    for name, content in modules.items():
        module = ModuleType(name)
        module.__path__ = []  # type: ignore[attr-defined]
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
        above, _, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, module)
    return sys.modules["pyiqa"]
