"""From a verified file into a network, strictly."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from difface_cli import networks
from difface_cli.errors import RegistryError, WeightsInvalid
from difface_cli.registry import Weights


def load_network(
    weights: Weights, path: Path, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    """Build the network of these weights and fill it, on `device` in `dtype`.

    The network is laid out without memory first and takes the file's tensors over, so that no
    second copy of the parameters exists.

    Raises:
        RegistryError: for a network or parameters that cannot be built.
        WeightsInvalid: when names or shapes differ from the network's.
    """
    try:
        with torch.device("meta"):
            network = networks.build(weights.network, weights.params)
    except ValueError as e:
        raise RegistryError(
            f"The weights {weights.name} describe no network: {e}.",
            f"Correct [weights.{weights.name}] in models.toml.",
        ) from None
    state = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in read_tensors(path, device).items()
    }
    try:
        network.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as e:
        first = str(e).partition("\n")[2].partition("\n")[0].strip()
        raise WeightsInvalid(
            f"{path} does not fit the network {weights.network}: {first[:200]}",
            f"Check params in [weights.{weights.name}] of models.toml.",
        ) from None
    return network.requires_grad_(False)


def read_tensors(path: Path, device: torch.device) -> dict[str, Tensor]:
    """All tensors of a safetensors file or a pickled state dict, by name.

    A pickle is read with `weights_only`, so that nothing in it can run; a wrapping "state_dict"
    and the prefix "module." of parallel training are taken off.

    Raises:
        WeightsInvalid: when the file is neither.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt", device=str(device)) as f:
                return {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118
        loaded = torch.load(path, map_location=device, weights_only=True)
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
    ) as e:
        reason = str(e).partition("\n")[0][:200]
        raise WeightsInvalid(
            f"{path} cannot be read as weights: {reason}", "Fetch or copy the file again."
        ) from None
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsInvalid(
            f"{path} holds no state dict of tensors.", "Name the file with the network's weights."
        )
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}
