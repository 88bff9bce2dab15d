"""Networks made ready to be called often and never trained."""

from __future__ import annotations

import logging
import shutil
from typing import Any

import torch
from torch import Tensor, nn

from difface_cli import networks
from difface_cli.base.errors import DeviceError
from difface_cli.networks.doubling import fold_for_inference
from difface_cli.weights.load import load_network
from difface_cli.weights.registry import Weights
from difface_cli.weights.store import verified

COMPILERS = ("c++", "g++", "clang++")
LEAVE_OUT = "Leave --compile out."


def load(
    weights: Weights, device: torch.device, dtype: torch.dtype, *, compiled: bool = False
) -> nn.Module:
    """A network as this tool calls it: channels last in memory, and doubling layers folded.

    Args:
        compiled: whether torch.compile translates it at the first call with a shape, which takes
            a minute or so. The result then differs in its last bits.

    Raises:
        WeightsMissing, WeightsInvalid, RegistryError: see `weights`.
        DeviceError: when it cannot be compiled on this machine.
    """
    network = load_network(weights, verified(weights), device, dtype, torch.channels_last)
    return ready(network, device, compiled=compiled)


def plain(weights: Weights, device: torch.device) -> nn.Module:
    """The same network as PyTorch runs it by itself, in float32, to compare with."""
    return load_network(weights, verified(weights), device, torch.float32)


def untrained(weights: Weights) -> nn.Module:
    """The network with random weights, always the same ones: as fast as with its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return networks.build(weights.network, weights.params).requires_grad_(False)


def ready(network: nn.Module, device: torch.device, *, compiled: bool = False) -> nn.Module:
    """Fold and compile a network that stands on its device, channels last."""
    if device.type == "cpu":  # measured there only
        fold_for_inference(network)
    return Compiled(network, device) if compiled else network


class Compiled(nn.Module):
    """A network translated by torch.compile, on CUDA into graphs.

    Raises:
        DeviceError: when this machine cannot; at the first call, for some reasons.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        super().__init__()
        if device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
            raise DeviceError(
                "--compile needs a C++ compiler, and there is none on this machine.",
                f"Install g++ or clang, or: {LEAVE_OUT[0].lower()}{LEAVE_OUT[1:]}",
            )
        self.graphs = device.type == "cuda"
        # It tells CPU users that there is no CUDA.
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
        mode = "reduce-overhead" if self.graphs else "default"
        self.run: Any = torch.compile(network, mode=mode, dynamic=False)

    def forward(self, *inputs: Tensor, **how: bool) -> Tensor:
        """Call the network."""
        try:
            out: Tensor = self.run(*inputs, **how)
        except torch._dynamo.exc.TorchDynamoException as e:
            reason = str(e).strip().partition("\n")[0]
            raise DeviceError(f"torch.compile failed: {reason[:200]}.", LEAVE_OUT) from None
        # A graph's next run writes over this one's result.
        return out.clone() if self.graphs else out
