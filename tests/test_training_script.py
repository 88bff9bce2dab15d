"""The script that trained the starter writes weights that its network takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from difface_cli.networks import build

SCRIPT = Path(__file__).parents[1] / "training/train_starter.py"


@pytest.mark.parametrize("what", ["estimator", "prior"])
def test_a_moments_training_gives_loadable_weights(tmp_path: Path, what: str) -> None:
    rng = np.random.default_rng(0)
    for i in range(2):
        pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    out = tmp_path / f"{what}.safetensors"
    options = ["--minutes", "0.01", "--batch", "1"]
    subprocess.run([sys.executable, SCRIPT, what, tmp_path, out, *options], check=True)
    with safe_open(out, "pt") as f:
        config = json.loads(f.metadata()["config"])
        state = {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118
        assert int(f.metadata()["pictures_seen"]) >= 1
    network = build(config["network"], config["params"])
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    assert all(tensor.isfinite().all() for tensor in state.values())
    assert not list(tmp_path.glob("*.part"))
