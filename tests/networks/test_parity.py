"""Our networks against the published code: golden outputs, and the official checkpoints' names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from difface_cli.networks import build
from difface_cli.networks.doubling import fold_for_inference

GOLDEN = {
    "unet_learned_sigma": "unet",
    "unet_plain": "unet",
    "swinir": "swinir",
    "srcnn": "srcnn",
    "lama": "lama",
}
OFFICIAL = {
    "iddpm_ffhq512_ema500000.pth": "unet",
    "iddpm_ffhq256_ema750000.pth": "unet",
    "swinir_restoration512_L1.pth": "swinir",
    "lama_inpainting256.pth": "lama",
}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", GOLDEN)
def test_agrees_with_the_published_code(golden: Path, name: str, folded: bool) -> None:
    with safe_open(golden / f"{name}.safetensors", "pt") as f:
        tensors = {key: f.get_tensor(key) for key in f.keys()}  # noqa: SIM118
        config = json.loads(f.metadata()["config"])
    network = build(GOLDEN[name], config)
    network.load_state_dict(
        {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")},
        strict=True,
    )
    if folded:
        fold_for_inference(network)
    inputs = [tensors[key] for key in ("x", "t") if key in tensors]
    with torch.inference_mode():
        torch.testing.assert_close(network(*inputs), tensors["y"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_checkpoint_loads_strictly(golden: Path, name: str) -> None:
    official = json.loads((golden / "official_checkpoints.json").read_text())[name]
    with torch.device("meta"):
        network = build(OFFICIAL[name], official["config"])
        state = {k: torch.empty(shape) for k, shape in official["tensors"].items()}
    network.load_state_dict(state, strict=True, assign=True)

    assert sum(p.numel() for p in network.parameters()) == official["parameters"]
    computed = {k for k in state if k.endswith(("relative_position_index", "attn_mask"))}
    assert set(network.state_dict()) == set(state) - computed


@pytest.mark.parametrize("change", ["shape", "extra", "missing"])
def test_a_wrong_checkpoint_is_refused(golden: Path, change: str) -> None:
    official = json.loads((golden / "official_checkpoints.json").read_text())
    spec = official["swinir_restoration512_L1.pth"]
    with torch.device("meta"):
        network = build("swinir", spec["config"])
        state = {k: torch.empty(shape) for k, shape in spec["tensors"].items()}
        mask = next(k for k in state if k.endswith("attn_mask"))
        if change == "shape":
            state[mask] = torch.empty(1, 64, 64)
        elif change == "extra":
            state["conv_up4.weight"] = torch.empty(64, 64, 3, 3)
        else:
            del state["conv_last.bias"]
    with pytest.raises(RuntimeError, match="state_dict"):
        network.load_state_dict(state, strict=True, assign=True)
