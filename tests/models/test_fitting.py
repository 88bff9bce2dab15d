"""The checks of networks around the method: the right tensors pass, others are refused."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from difface_cli.base.errors import WeightsInvalid
from difface_cli.models.fitting import CHECKS
from difface_cli.networks import NETWORKS
from difface_cli.weights import formats, registry
from difface_cli.weights.convert import Form, convert
from difface_cli.weights.registry import Source


def published(name: str) -> Mapping[str, Tensor]:
    """A random state dict of the network that the weights of this name are for."""
    if name == "retinaface-mobile0.25":
        from facexlib.detection.retinaface import RetinaFace

        network = RetinaFace("mobile0.25")
    elif name == "parsenet":
        from facexlib.parsing.parsenet import ParseNet

        network = ParseNet(in_size=512, out_size=512, parsing_ch=19)
    else:
        architecture = importlib.import_module("spandrel.architectures.Compact.__arch.SRVGG")
        network = architecture.SRVGGNetCompact(num_feat=8, num_conv=1, upscale=2)
    return dict(network.state_dict())


@pytest.mark.parametrize("name", ["retinaface-mobile0.25", "parsenet", "real-esrgan-x2"])
def test_the_networks_own_tensors_pass_and_others_do_not(tmp_path: Path, name: str) -> None:
    weights = registry.load().weights[name]
    state = published(name)
    path, target = tmp_path / "x.pth", tmp_path / "x.safetensors"
    source = Source("path", str(path))
    torch.save({"params": {f"module.{key}": tensor for key, tensor in state.items()}}, path)
    convert(path, target, weights, source, "0" * 64, Form(checks=CHECKS))
    assert formats.read(target).keys() == state.keys()

    torch.save({key: tensor for key, tensor in state.items() if "weight" not in key}, path)
    with pytest.raises(WeightsInvalid, match=r"x\.pth is refused"):
        convert(path, target, weights, source, "0" * 64, Form(checks=CHECKS))


def test_every_built_in_network_can_be_checked() -> None:
    networks = {weights.network for weights in registry.load().weights.values()}
    assert networks <= {*NETWORKS, *CHECKS}
