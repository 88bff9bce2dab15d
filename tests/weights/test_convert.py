"""Published checkpoints become safetensors that fit their network, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from difface_cli.base.errors import OutputError, RegistryError, WeightsInvalid
from difface_cli.base.hashing import sha256
from difface_cli.weights import formats
from difface_cli.weights.convert import Form, convert
from difface_cli.weights.load import load_network
from difface_cli.weights.registry import Source, Weights
from tests.weights.conftest import Checkpoint

Make = Callable[[str], Checkpoint]
CPU = torch.device("cpu")


def run(
    path: Path, weights: Weights, form: Form | None = None, prefix: str = ""
) -> dict[str, Tensor]:
    target = path.parent / "out.safetensors"
    source = Source("path", str(path), prefix=prefix)
    digest = convert(path, target, weights, source, "0" * 64, form or Form())
    assert digest == sha256(target)
    return formats.read(target)


def equal(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", ["unet_plain", "swinir", "lama"])
def test_each_network_as_published(tmp_path: Path, checkpoint: Make, name: str) -> None:
    tiny = checkpoint(name)
    published = {f"module.{key}": tensor for key, tensor in tiny.state.items()}
    path = tmp_path / "x.pth"
    path.write_bytes(tiny.pickled({"state_dict": published}))
    computed = {k for k in tiny.state if k.endswith(("relative_position_index", "attn_mask"))}
    assert bool(computed) == (name == "swinir")
    kept = {key: tensor for key, tensor in tiny.state.items() if key not in computed}
    assert equal(run(path, tiny.weights), kept)


def test_a_network_within_a_larger_file(tmp_path: Path, unet: Checkpoint) -> None:
    path = tmp_path / "x.pth"
    both = {"other.w": torch.zeros(1), **{f"mmse.{k}": v for k, v in unet.state.items()}}
    path.write_bytes(unet.pickled(both))
    assert equal(run(path, unet.weights, prefix="mmse."), unet.state)


def test_half_precision_on_request(tmp_path: Path, checkpoint: Make) -> None:
    tiny = checkpoint("lama")  # with counters, which stay whole numbers
    path = tmp_path / "x.pth"
    path.write_bytes(tiny.pickled())
    halves = run(path, tiny.weights, Form(torch.float16))
    for name, tensor in tiny.state.items():
        expected = tensor.half() if tensor.is_floating_point() else tensor
        assert torch.equal(halves[name], expected)
    assert {t.dtype for t in halves.values()} == {torch.float16, torch.int64}


def test_the_file_says_where_it_is_from(tmp_path: Path, unet: Checkpoint) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(unet.pickled())
    run(path, unet.weights)
    with safe_open(tmp_path / "out.safetensors", "pt") as f:
        metadata = f.metadata()
    assert json.loads(metadata["config"]) == unet.weights.params
    assert (metadata["network"], metadata["licence"]) == ("unet", "MIT")
    assert (metadata["source"], metadata["source_sha256"]) == (str(path), "0" * 64)


@pytest.mark.parametrize("change", ["missing", "extra", "shape", "kind"])
def test_what_does_not_fit_is_refused(tmp_path: Path, unet: Checkpoint, change: str) -> None:
    state = dict(unet.state)
    name = "time_embed.0.weight"
    if change == "missing":
        del state[name]
    elif change == "extra":
        name = "time_embed.9.weight"
        state[name] = torch.zeros(1)
    elif change == "shape":
        state[name] = state[name][:1]
    else:
        state[name] = state[name].int()
    path = tmp_path / "x.pth"
    path.write_bytes(unet.pickled(state))
    with pytest.raises(WeightsInvalid, match=name):
        run(path, unet.weights)
    assert list(tmp_path.iterdir()) == [path]


def test_tensors_that_share_memory_are_kept_apart(tmp_path: Path, unet: Checkpoint) -> None:
    names = ["time_embed.0.weight", "time_embed.0.bias"]
    memory = torch.cat([unet.state[name].flatten() for name in names])
    size = unet.state[names[0]].numel()
    views = {names[0]: memory[:size].view_as(unet.state[names[0]]), names[1]: memory[size:]}
    path = tmp_path / "x.pth"
    path.write_bytes(unet.pickled({**unet.state, **views}))
    assert equal(run(path, unet.weights), unet.state)


def test_a_check_from_above_decides_on_other_networks(tmp_path: Path, unet: Checkpoint) -> None:
    weights = Weights("eyes", "detector", "retinaface")
    path = tmp_path / "x.pth"
    path.write_bytes(unet.pickled())
    with pytest.raises(RegistryError, match="no network 'retinaface'"):
        run(path, weights)

    def refuse(asked: Weights, state: Mapping[str, Tensor]) -> None:
        assert asked is weights
        assert equal(state, unet.state)
        raise WeightsInvalid("no")

    with pytest.raises(WeightsInvalid, match="no"):
        run(path, weights, Form(checks={"retinaface": refuse}))
    run(path, weights, Form(checks={"retinaface": lambda _, __: None}))


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, unet: Checkpoint, small_disk: Callable[[int], None]
) -> None:
    path, target = tmp_path / "x.pth", tmp_path / "out.safetensors"
    path.write_bytes(unet.pickled())
    target.write_bytes(b"old")
    small_disk(100_000)
    with pytest.raises(OutputError, match=r"out\.safetensors cannot be written"):
        run(path, unet.weights)
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [target, path]


def test_the_converted_file_loads(tmp_path: Path, unet: Checkpoint) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(unet.pickled({f"module.{k}": v for k, v in unet.state.items()}))
    run(path, unet.weights)
    target = tmp_path / "out.safetensors"
    network = load_network(unet.weights, target, CPU, torch.float32)
    assert equal(network.state_dict(), unet.state)
