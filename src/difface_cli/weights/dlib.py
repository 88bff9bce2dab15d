"""dlib's file of its recognition network, read without dlib.

The file is what C++ wrote: the layers one after the other, each with its kind as a string before
its numbers, without names. What is trained follows in the order of the layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from difface_cli.base.errors import WeightsInvalid
from difface_cli.networks import recognition

# A string is a byte for the length of its length, the length, the letters.
TRAINED = re.compile(rb"\x01(?:\x05con_4|\x07affine_|\x04fc_2)")
TENSOR_VERSION = 2


def read(path: Path) -> dict[str, Tensor]:
    """The state dict of `recognition.FaceResNet`, float32.

    Raises:
        WeightsInvalid: when the file is another one, damaged, or cannot be read.
    """
    try:
        data = path.read_bytes()
        layers = _layers(data)
        state: dict[str, Tensor] = {}
        for name, shape in recognition.convolutions():
            kernel, bias = torch.split(next(layers), [shape.numel(), shape[0]])
            gain, shift = next(layers).chunk(2)
            weight, bias = recognition.folded(kernel.view(shape), bias, gain, shift)
            state |= {f"{name}.weight": weight, f"{name}.bias": bias}
        state["head.weight"] = next(layers).view(-1, recognition.FEATURES).T.contiguous()
        if next(layers, None) is not None:
            raise ValueError("it holds more layers")
    except OSError as error:
        raise _unfit(path, f"it cannot be read: {error.strerror}") from None
    except (ValueError, RuntimeError, IndexError, StopIteration) as error:
        raise _unfit(path, str(error) or "it ends too early") from None
    return state


def _layers(data: bytes) -> Iterator[Tensor]:
    """The parameters of every layer that has some, in order."""
    for kind in TRAINED.finditer(data):
        at = kind.end()
        if kind.group().endswith(b"fc_2"):
            at = _number(data, _number(data, at)[1])[1]  # outputs and inputs
        sizes = []
        for _ in range(5):  # the version of the format, then the tensor's four sizes
            size, at = _number(data, at)
            sizes.append(size)
        if sizes[0] != TENSOR_VERSION:
            raise ValueError(f"its tensors are of version {sizes[0]}")
        values = np.frombuffer(data, "<f4", int(np.prod(sizes[1:])), at)
        yield torch.from_numpy(values.astype(np.float32))


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A whole number as dlib packs it (a byte that counts bytes, and these), and where it ends."""
    end = at + 1 + (data[at] & 0x0F)
    return int.from_bytes(data[at + 1 : end], "little"), end


def _unfit(path: Path, reason: str) -> WeightsInvalid:
    return WeightsInvalid(
        f"{path} is not dlib's recognition network: {reason}.",
        'Install it again: pip install --force-reinstall "difface-cli[identity]".',
    )
