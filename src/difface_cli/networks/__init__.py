"""The paper's networks, by the names that `models.toml` uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from difface_cli.networks.drunet import DRUNet
from difface_cli.networks.lama import LaMa
from difface_cli.networks.srcnn import SRCNN
from difface_cli.networks.swinir import SwinIR
from difface_cli.networks.unet import UNet

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "unet": UNet,
    "drunet": DRUNet,
    "swinir": SwinIR,
    "srcnn": SRCNN,
    "lama": LaMa,
}

# Settings that published configs carry and that change neither parameters nor inference.
IGNORED = {"conv_resample": True, "dims": 2, "use_fp16": False, "use_new_attention_order": False}

# Numbers of layers; the largest published one is 18. A mistyped one would build for hours.
COUNTS = ("blocks", "depth", "depths", "n_blocks", "n_downsampling", "num_res_blocks")
MOST_LAYERS = 1000
LARGEST = 10**6  # of all other numbers


def build(network: str, params: Mapping[str, Any]) -> nn.Module:
    """Build a network by name, in evaluation mode, with random weights.

    Args:
        network: a key of `NETWORKS`.
        params: the constructor's arguments as the published configs name them.

    Raises:
        ValueError: for an unknown name, or arguments this network does not have or that make no
            network.
    """
    if network not in NETWORKS:
        raise ValueError(f"no network {network!r}; there are {', '.join(NETWORKS)}")
    kept = {k: v for k, v in params.items() if k not in IGNORED}
    for name, value in IGNORED.items():
        if params.get(name, value) != value:
            raise ValueError(f"{name} = {params[name]!r} is not built, only {value!r}")
    for name, value in kept.items():
        _check_size(name, value)
    try:
        return NETWORKS[network](**kept).eval()
    except KeyError as e:
        raise ValueError(f"network {network}: {e} is missing") from None
    # What makes no network fails wherever it is first worked with, here or in torch.
    except (TypeError, AttributeError, ArithmeticError, IndexError, RuntimeError) as e:
        reason = str(e).partition("\n")[0][:200]
        raise ValueError(f"network {network}: {reason}") from None


def _check_size(name: str, value: Any) -> None:
    """Refuse numbers that no network has: they would cost hours or all memory."""
    most = MOST_LAYERS if name in COUNTS else LARGEST
    for number in _numbers(value):
        if not abs(number) <= most:  # nan is refused as well
            raise ValueError(f"{name} is out of all proportion: {most} is the most")


def _numbers(value: Any, depth: int = 4) -> Iterator[float]:
    """All numbers in a value, and the lengths of its lists; no published one nests as deep."""
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, (list, tuple, Mapping)) and depth:
        yield len(value)
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(inner, depth - 1)
    elif not depth:
        yield math.inf
