"""From a verified file into a network, strictly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from difface_cli.base.errors import WeightsInvalid
from difface_cli.weights import formats
from difface_cli.weights.convert import meta_network, unfit
from difface_cli.weights.registry import Weights


def load_network(
    weights: Weights,
    path: Path,
    device: torch.device,
    dtype: torch.dtype,
    memory_format: torch.memory_format = torch.preserve_format,
) -> nn.Module:
    """Build the network of these weights and fill it, on `device` in `dtype`.

    The network is laid out without memory first and takes the file's tensors over one by one, so
    that no second copy of the parameters exists. What needs no change stays mapped from disk.

    Args:
        memory_format: of the convolutions' weights, such as `torch.channels_last`.

    Raises:
        RegistryError: for a network or parameters that cannot be built.
        WeightsInvalid: when names, shapes or kinds of numbers differ from the network's, or a
            number is not finite.
    """
    network = meta_network(weights)
    expected = network.state_dict()
    state = {}
    for name, tensor in _tensors(path):
        floating = tensor.is_floating_point()
        if name in expected and floating != expected[name].is_floating_point():
            raise unfit(path, weights, f"{name} holds {tensor.dtype}")
        _check_finite(path, name, tensor)
        state[name] = tensor.to(
            device=device,
            dtype=dtype if floating else tensor.dtype,
            memory_format=memory_format if tensor.ndim == 4 else torch.preserve_format,
            # One tensor left in the map would keep all the pages round it in memory.
            copy=not floating or memory_format is not torch.preserve_format,
        )
    try:
        network.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as e:
        first = str(e).partition("\n")[2].partition("\n")[0].strip()
        raise unfit(path, weights, first) from None
    return network.requires_grad_(False)


def read_tensors(path: Path, device: torch.device) -> dict[str, Tensor]:
    """All tensors of a safetensors file or a pickled state dict, by name.

    A pickle is read with `weights_only`, so that nothing in it can run; a wrapping "state_dict"
    and the prefix "module." of parallel training are taken off.

    Raises:
        WeightsInvalid: when the file is neither, or a number in it is not finite.
    """
    found = formats.read(path)
    for name, tensor in found.items():
        _check_finite(path, name, tensor)
    return {name: tensor.to(device) for name, tensor in found.items()}


def _check_finite(path: Path, name: str, tensor: Tensor) -> None:
    """Refuse weights of a training that diverged: every picture they made would be black."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    narrow = tensor.element_size() == 1  # 8-bit floats have no arithmetic of their own
    ends = torch.aminmax(tensor.float() if narrow else tensor)  # nan is both of them
    if not all(end.isfinite() for end in ends):
        raise WeightsInvalid(
            f"{path} cannot be used: {name} holds numbers that are not finite.",
            "Take weights of an earlier step, or fetch the file again.",
        )


def _tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    if formats.is_safetensors(path):
        yield from formats.stream(path)
    else:
        yield from formats.read(path).items()
