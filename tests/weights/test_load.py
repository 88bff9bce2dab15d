"""Verified files into networks: strictly, in the dtype asked for, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

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


PEAK = """
import sys, threading, torch
from pathlib import Path
from difface_cli.networks import build
from difface_cli.weights.registry import Weights
from difface_cli.weights.load import load_network
torch.set_num_threads(1)

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

params = dict(in_chns=3, down_scale_factor=4, num_chns=512, depth=14)
weights = Weights("big", "estimator", "srcnn", params)
for dtype in torch.float32, torch.bfloat16:
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    before = resident()
    network = load_network(weights, Path(sys.argv[1]), torch.device("cpu"), dtype)
    total = sum(p.sum().item() for p in network.parameters())  # touch the mapped pages
    size = sum(p.nbytes for p in network.parameters())
    print(resident() - before, size)
    del network
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_second_copy_is_made(tmp_path: Path) -> None:
    params = {"in_chns": 3, "down_scale_factor": 4, "num_chns": 512, "depth": 14}
    file = tmp_path / "big.safetensors"
    with torch.device("meta"):
        shapes = build("srcnn", params).state_dict()
    save_file({name: torch.zeros(t.shape) for name, t in shapes.items()}, file)
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, str(file)], capture_output=True, text=True, check=True
    )
    whole, half = ([int(word) for word in line.split()] for line in ran.stdout.splitlines())
    assert whole[1] == 2 * half[1] > 60e6
    assert whole[0] < 1.1 * whole[1]
    # A 64 MB window of the mapped file comes on top: little beside 640 MB, much beside this.
    assert half[0] < half[1] + 1.2 * 64 * 2**20
