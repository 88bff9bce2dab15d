"""dlib's file is read as dlib wrote it, or refused in a sentence."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from difface_cli.base.errors import WeightsInvalid
from difface_cli.networks.recognition import FaceResNet
from difface_cli.weights import dlib


def packed(number: int) -> bytes:
    """A whole number as dlib packs it."""
    data = number.to_bytes((number.bit_length() + 7) // 8, "little")
    return bytes([len(data)]) + data


def tensor(values: Tensor) -> bytes:
    flat = values.flatten().numpy().astype("<f4")
    sizes = b"".join(packed(n) for n in (2, len(flat), 1, 1, 1))
    return sizes + flat.tobytes()


def written(network: nn.Module, gains: list[Tensor]) -> bytes:
    """The network as dlib's file: before each convolution's own values, its affine layer undone."""
    parts = [b"\x01\x0bavg_pool_1 something that has no parameters"]
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            gain = gains.pop(0)
            kernel = layer.weight / gain.view(-1, 1, 1, 1)
            parts += [
                b"\x01\x05con_4",
                tensor(torch.cat([kernel.flatten(), layer.bias / gain / 2])),
            ]
            parts += [b"\x01\x07affine_", tensor(torch.cat([gain, layer.bias / 2]))]
        elif isinstance(layer, nn.Linear):
            parts += [
                b"\x01\x04fc_2",
                packed(128),
                packed(256),
                tensor(layer.weight.T.contiguous()),
            ]
    return b"".join(parts)


@pytest.fixture(scope="module")
def network() -> FaceResNet:
    torch.manual_seed(0)
    return FaceResNet().requires_grad_(False)


@pytest.fixture(scope="module")
def data(network: FaceResNet) -> bytes:
    torch.manual_seed(1)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    return written(network, [torch.rand(layer.out_channels) + 0.5 for layer in layers])


def test_what_was_written_is_read_with_the_affine_layers_folded_in(
    network: FaceResNet, data: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "dlib.dat"
    file.write_bytes(data)
    state = dlib.read(file)
    assert state.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(state[name], value, atol=1e-6, rtol=1e-4)


def test_a_number_is_as_many_bytes_as_the_first_says() -> None:
    for number in (1, 255, 256, 70_000):
        assert dlib._number(b"xx" + packed(number), 2) == (number, 2 + len(packed(number)))


@pytest.mark.parametrize("cut", [0, 100, 10_000, -1000])
def test_a_cut_file_is_refused(data: bytes, cut: int, tmp_path: Path) -> None:
    file = tmp_path / "dlib.dat"
    file.write_bytes(data[:cut])
    with pytest.raises(WeightsInvalid, match="not dlib's recognition network"):
        dlib.read(file)


def test_another_file_more_layers_and_none_are_refused(data: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    more = b"\x01\x07affine_" + tensor(torch.ones(3))
    other = struct.pack("<q", 7) + rng.bytes(5000)
    for content in (b"", other, data + more, data.replace(b"\x01\x02", b"\x01\x03", 1)):
        file = tmp_path / "other.dat"
        file.write_bytes(content)
        with pytest.raises(WeightsInvalid):
            dlib.read(file)
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        dlib.read(tmp_path / "none.dat")
