"""From any published checkpoint to a safetensors file that fits its network, or to an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from difface_cli import __version__, networks
from difface_cli.base.errors import OutputError, RegistryError, WeightsInvalid
from difface_cli.base.hashing import sha256
from difface_cli.networks.unet import UNet
from difface_cli.weights import diffusers, formats, places
from difface_cli.weights.registry import Source, Weights

# Buffers of the published SwinIR that follow from its sizes.
COMPUTED = ("relative_position_index", "attn_mask")

Check = Callable[[Weights, Mapping[str, Tensor]], object]
"""Raises WeightsInvalid unless the tensors fit the network of the weights."""


@dataclass(frozen=True)
class Form:
    """How a conversion is done.

    Attributes:
        dtype: of all floating-point parameters; None keeps the file's own.
        checks: network's name → its check, for networks that are not the paper's own.
    """

    dtype: torch.dtype | None = None
    checks: Mapping[str, Check] = field(default_factory=lambda: MappingProxyType({}))


def convert(
    path: Path, target: Path, weights: Weights, source: Source, digest: str, form: Form
) -> str:
    """Write the parameters of `path` as safetensors, atomically.

    Args:
        path: the published file, its hash checked already.
        target: replaced only when all is well.
        weights: the network that must fit, with licence and parameters for the metadata.
        source: where the file came from and how its names are laid out.
        digest: its sha256.

    Returns:
        The sha256 of the file that was written.

    Raises:
        WeightsInvalid: when the file is damaged, could run code, or does not fit the network.
        OutputError: when the target cannot be written.
    """
    state = canonical(formats.read(path, source.file_name), weights, source)
    check(path, state, weights, form.checks)
    # What measures must not depend on how it is stored.
    dtype = None if weights.part == "metrics" else form.dtype
    ready = {name: _solid(tensor, dtype) for name, tensor in state.items()}
    metadata = {
        "format": "pt",
        "network": weights.network,
        "config": json.dumps(places.plain(weights.params), sort_keys=True),
        "source": str(source),
        "source_sha256": digest,
        "licence": weights.licence,
        "licence_url": weights.licence_url,
        "converted_by": f"difface-cli {__version__}",
    }
    with places.whole(target) as part:
        try:
            save_file(_unshared(ready), part, metadata)
        except SafetensorError as e:  # its text is the only trace of a full disk
            raise OutputError(
                f"{target} cannot be written: {str(e)[:200]}.",
                f"Make room on this disk, or set {places.HOME} to a folder on another one.",
            ) from None
        return sha256(part)


def canonical(state: Mapping[str, Tensor], weights: Weights, source: Source) -> dict[str, Tensor]:
    """The parameters under our networks' names, without the buffers that can be computed."""
    if source.prefix:
        state = {
            name.removeprefix(source.prefix): tensor
            for name, tensor in state.items()
            if name.startswith(source.prefix)
        }
    if weights.network == "unet" and diffusers.is_diffusers(state):
        network = meta_network(weights)
        assert isinstance(network, UNet)
        state = diffusers.to_published(state, network)
    return {name: t for name, t in state.items() if name.rpartition(".")[2] not in COMPUTED}


def check(
    path: Path, state: Mapping[str, Tensor], weights: Weights, checks: Mapping[str, Check]
) -> None:
    """Hold every tensor's name, shape and kind of number against the network.

    Raises:
        WeightsInvalid: naming the first tensor that does not fit.
        RegistryError: for a network nobody here can check.
    """
    if weights.network in checks:
        try:
            checks[weights.network](weights, state)
        except WeightsInvalid as e:
            raise WeightsInvalid(f"{path} is refused: {e.message}", e.hint) from None
    elif problem := mismatch(state, meta_network(weights).state_dict()):
        raise unfit(path, weights, problem)


def mismatch(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """The first way in which tensors differ from a network's; empty when they fit."""
    for name in expected:
        if name not in state:
            return f"{name} is missing"
    for name, tensor in state.items():
        if name not in expected:
            return f"{name} is no parameter of it"
        if tensor.shape != expected[name].shape:
            return f"{name} is {list(tensor.shape)}, not {list(expected[name].shape)}"
        if tensor.is_floating_point() != expected[name].is_floating_point():
            return f"{name} holds {tensor.dtype}, not {expected[name].dtype}"
    return ""


def unfit(path: Path, weights: Weights, problem: str) -> WeightsInvalid:
    """The error of a file that does not fit its network, to be raised."""
    return WeightsInvalid(
        f"{path} does not fit the network {weights.network}: {problem[:200]}.",
        f"Check network and params in [weights.{weights.name}] of models.toml.",
    )


def meta_network(weights: Weights) -> nn.Module:
    """The network of these weights, laid out without memory.

    Raises:
        RegistryError: for a network or parameters that cannot be built.
    """
    try:
        with torch.device("meta"):
            return networks.build(weights.network, weights.params)
    except ValueError as e:
        raise RegistryError(
            f"The weights {weights.name} describe no network: {e}.",
            f"Correct [weights.{weights.name}] in models.toml.",
        ) from None


def _solid(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is not None and tensor.is_floating_point():
        tensor = tensor.to(dtype)
    return tensor.detach().contiguous()


def _unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors that share memory with an earlier one: a file has no views."""
    seen: set[int] = set()
    separate = {}
    for name, tensor in state.items():
        place = tensor.untyped_storage().data_ptr()
        separate[name] = tensor.clone() if place in seen else tensor
        seen.add(place)
    return separate
