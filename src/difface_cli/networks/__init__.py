"""The paper's networks, by the names that `models.toml` uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from difface_cli.networks.lama import LaMa
from difface_cli.networks.srcnn import SRCNN
from difface_cli.networks.swinir import SwinIR
from difface_cli.networks.unet import UNet

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "unet": UNet,
    "swinir": SwinIR,
    "srcnn": SRCNN,
    "lama": LaMa,
}

# Settings that published configs carry and that change neither parameters nor inference.
IGNORED = {"conv_resample": True, "dims": 2, "use_fp16": False, "use_new_attention_order": False}


def build(network: str, params: Mapping[str, Any]) -> nn.Module:
    """Build a network by name, in evaluation mode, with random weights.

    Args:
        network: a key of `NETWORKS`.
        params: the constructor's arguments as the published configs name them.

    Raises:
        ValueError: for an unknown name, or arguments this network does not have.
    """
    if network not in NETWORKS:
        raise ValueError(f"no network {network!r}; there are {', '.join(NETWORKS)}")
    kept = {k: v for k, v in params.items() if k not in IGNORED}
    for name, value in IGNORED.items():
        if params.get(name, value) != value:
            raise ValueError(f"{name} = {params[name]!r} is not built, only {value!r}")
    try:
        return NETWORKS[network](**kept).eval()
    except TypeError as e:
        raise ValueError(f"network {network}: {e}") from None
