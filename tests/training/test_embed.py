"""Averaged weights become weights of the package."""

from __future__ import annotations

import runpy
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from difface_cli.networks import build

SCRIPT = Path(__file__).parents[2] / "training/embed.py"
PARAMS = {
    "ngf": 8,
    "n_downsampling": 1,
    "n_blocks": 1,
    "init_conv_kwargs": {"ratio_gin": 0, "ratio_gout": 0},
    "downsample_conv_kwargs": {"ratio_gin": 0, "ratio_gout": 0},
    "resnet_conv_kwargs": {"ratio_gin": 0.5, "ratio_gout": 0.5},
}


def test_a_lama_is_embedded_with_the_counters_of_its_norms(tmp_path: Path) -> None:
    network = build("lama", PARAMS)
    floats = {name: t for name, t in network.state_dict().items() if t.is_floating_point()}
    save_file(floats, tmp_path / "ema.safetensors", {"config": "{}"})
    embed = runpy.run_path(str(SCRIPT))["embed"]
    embed(tmp_path / "ema.safetensors", tmp_path / "lama.safetensors")
    network.load_state_dict(load_file(tmp_path / "lama.safetensors"), strict=True)
    with safe_open(tmp_path / "lama.safetensors", "pt") as f:
        assert f.metadata() == {"config": "{}"}
