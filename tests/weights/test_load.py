"""Verified files into networks: strictly, in the dtype asked for, in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.utils import _pytree as tree
from torch.utils._python_dispatch import TorchDispatchMode

from difface_cli.base.errors import RegistryError, WeightsInvalid
from difface_cli.networks import build
from difface_cli.weights.load import load_network, read_tensors
from difface_cli.weights.registry import Weights
from tests.weights.conftest import Checkpoint

CPU = torch.device("cpu")


@pytest.fixture
def file(tmp_path: Path, unet: Checkpoint) -> Path:
    save_file(unet.state, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("layout", [torch.preserve_format, torch.channels_last])
def test_every_parameter_arrives(
    file: Path, unet: Checkpoint, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    network = load_network(unet.weights, file, CPU, dtype, layout)
    state = network.state_dict()
    assert state.keys() == unet.state.keys()
    for name, tensor in unet.state.items():
        assert torch.equal(state[name], tensor.to(dtype))
        if layout is torch.channels_last and tensor.ndim == 4:
            assert state[name].is_contiguous(memory_format=torch.channels_last)
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("change", ["missing", "shape", "kind"])
def test_another_networks_file_is_refused(file: Path, unet: Checkpoint, change: str) -> None:
    state = dict(unet.state)
    name = "out.2.bias"
    if change == "missing":
        del state[name]
    else:
        state[name] = state[name].int() if change == "kind" else torch.zeros(7)
    save_file(state, file)
    with pytest.raises(WeightsInvalid, match=name):
        load_network(unet.weights, file, CPU, torch.float32)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_numbers_that_are_not_finite_are_refused(
    file: Path, unet: Checkpoint, wrong: float, dtype: torch.dtype
) -> None:
    state = {name: tensor.to(dtype, copy=True) for name, tensor in unet.state.items()}
    state["out.2.bias"][1] = wrong
    save_file(state, file)
    with pytest.raises(WeightsInvalid, match=r"out\.2\.bias holds numbers that are not finite"):
        load_network(unet.weights, file, CPU, torch.float32)
    with pytest.raises(WeightsInvalid, match=r"out\.2\.bias holds numbers that are not finite"):
        read_tensors(file, CPU)


def test_whole_empty_and_8_bit_numbers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    state = {
        "count": torch.arange(3),
        "none": torch.empty(0),
        "f8": torch.ones(2).to(torch.float8_e4m3fn),
    }
    save_file(state, path)
    assert read_tensors(path, CPU).keys() == state.keys()


def test_a_network_nobody_can_build(file: Path) -> None:
    with pytest.raises(RegistryError, match=r"weights\.odd"):
        load_network(Weights("odd", "prior", "nothing"), file, CPU, torch.float32)


def test_read_tensors_gives_all(file: Path, unet: Checkpoint) -> None:
    tensors = read_tensors(file, CPU)
    assert tensors.keys() == unet.state.keys()


class Taken(TorchDispatchMode):
    """Counts the bytes of memory that operations take for their results."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in self._tensors((args, kwargs))}
        made = [t for t in self._tensors(out) if t.untyped_storage().data_ptr() not in given]
        self.bytes += sum(t.nbytes for t in made)
        return out

    @staticmethod
    def _tensors(values: Any) -> list[torch.Tensor]:
        leaves = tree.tree_leaves(values)
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and not leaf.is_meta]


@pytest.mark.parametrize(
    ("dtype", "layout", "copies"),
    [
        (torch.float32, torch.preserve_format, 0),  # it stays where the file is mapped
        (torch.bfloat16, torch.preserve_format, 0.5),
        (torch.float32, torch.channels_last, 1),
    ],
)
def test_no_second_copy_is_made(
    tmp_path: Path, dtype: torch.dtype, layout: torch.memory_format, copies: float
) -> None:
    params = {"in_chns": 3, "down_scale_factor": 4, "num_chns": 128, "depth": 6}
    weights = Weights("big", "estimator", "srcnn", params)
    state = build("srcnn", params).state_dict()
    size = sum(tensor.nbytes for tensor in state.values())
    file = tmp_path / "big.safetensors"
    save_file(state, file)
    with Taken():  # for which PyTorch imports much
        torch.ones(1)
    tracemalloc.start()
    try:
        with Taken() as taken:
            load_network(weights, file, CPU, dtype, layout)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert copies * size <= taken.bytes < (copies + 0.05) * size
    assert peak < 0.2 * size  # nor is the file read into Python's own memory
