"""The network that tells people apart stands beside a model, and a face is most like itself."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from facexlib.recognition.arcface_arch import Backbone

from difface_cli import models
from difface_cli.method.schedule import linear
from difface_cli.models import Ready
from difface_cli.weights import registry
from difface_cli.weights.registry import Model

NONE: Any = None


def test_with_likeness_measures_and_records_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    state = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se").state_dict()
    monkeypatch.setattr(models.loading, "verified", lambda weights: Path(weights.name))
    monkeypatch.setattr(models.loading, "read_tensors", lambda path, device: state)
    monkeypatch.setattr(models.loading, "fingerprint", lambda weights: "ab" * 32)
    model = Model("tiny", "restore", MappingProxyType({}))
    plain = Ready(
        model, NONE, NONE, NONE, linear(), None, None, None, torch.device("cpu"),
        torch.float32,
        MappingProxyType({"prior": "cd" * 32}),
    )  # fmt: skip
    made = models.with_likeness(registry.load(), plain)
    assert dict(made.hashes) == {"prior": "cd" * 32, "arcface": "ab" * 32}
    assert made.likeness is not None
    one, other = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    assert made.likeness(one, one) == pytest.approx(1, abs=1e-5)
    assert made.likeness(one, other * 0.1) < 0.9999
