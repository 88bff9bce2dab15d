"""diffusers' names and attention, against its documented scheme written out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.networks import build
from difface_cli.networks.unet import UNet
from difface_cli.networks.unet_blocks import AttentionBlock
from difface_cli.weights.diffusers import is_diffusers, to_published

# UNet2DModel(block_out_channels=(32, 64), layers_per_block=1, sample_size=16,
#   down_block_types=("DownBlock2D", "AttnDownBlock2D"),
#   up_block_types=("AttnUpBlock2D", "UpBlock2D")): diffusers' name, ours.
RESNETS = {
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
}
ATTENTIONS = {
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "mid_block.attentions.0": "middle_block.1",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
}
SINGLE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
INSIDE = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
RENAMED = SINGLE | {
    f"{theirs}.{a}": f"{ours}.{b}" for theirs, ours in RESNETS.items() for a, b in INSIDE.items()
}
NEW, OLD = ("to_q", "to_k", "to_v", "to_out.0"), ("query", "key", "value", "proj_attn")
UP_DOWN = {
    "down_blocks.0.downsamplers.0": "input_blocks.2.0",
    "up_blocks.0.upsamplers.0": "output_blocks.1.2",
}


def network(**changes: Any) -> UNet:
    torch.manual_seed(0)
    params = {
        "image_size": 16,
        "in_channels": 3,
        "out_channels": 3,
        "model_channels": 32,
        "num_res_blocks": 1,
        "attention_resolutions": [8],
        "channel_mult": [1, 2],
        "num_head_channels": 16,
    }
    unet = build("unet", params | changes)
    assert isinstance(unet, UNet)
    return unet


def as_diffusers(
    ours: Mapping[str, Tensor], names: tuple[str, ...]
) -> Iterator[tuple[str, Tensor]]:
    """The same network as diffusers would keep it, but for q, k and v, drawn anew."""
    for theirs, our in RENAMED.items():
        for kind in ("weight", "bias"):
            if f"{our}.{kind}" in ours:
                yield f"{theirs}.{kind}", ours[f"{our}.{kind}"]
    for theirs, our in ATTENTIONS.items():
        yield f"{theirs}.group_norm.weight", ours[f"{our}.norm.weight"]
        yield f"{theirs}.group_norm.bias", ours[f"{our}.norm.bias"]
        for name in names:
            yield f"{theirs}.{name}.weight", torch.randn(64, 64) / 8
            yield f"{theirs}.{name}.bias", torch.randn(64)


@pytest.mark.parametrize("names", [NEW, OLD])
def test_every_name_finds_its_place(names: tuple[str, ...]) -> None:
    unet = network()
    theirs = dict(as_diffusers(unet.state_dict(), names))
    assert is_diffusers(theirs)
    assert not is_diffusers(unet.state_dict())
    ours = to_published(theirs, unet)
    assert ours.keys() == unet.state_dict().keys()
    for name, tensor in unet.state_dict().items():
        assert ours[name].shape == tensor.shape
        if "qkv" not in name and "proj_out" not in name:
            assert torch.equal(ours[name], tensor)


def test_joined_attention_is_multi_head_attention() -> None:
    """Heads of q = W_q x, k = W_k x, v = W_v x, as Vaswani et al. 2017 write them."""
    unet = network()
    theirs = dict(as_diffusers(unet.state_dict(), NEW))
    unet.load_state_dict(to_published(theirs, unet), strict=True)
    block = unet.middle_block[1]
    assert isinstance(block, AttentionBlock)
    x = torch.randn(2, 64, 4, 4)
    tokens = block.norm(x.flatten(2)).transpose(1, 2)

    def linear(name: str, value: Tensor) -> Tensor:
        at = f"mid_block.attentions.0.{name}"
        return F.linear(value, theirs[f"{at}.weight"], theirs[f"{at}.bias"])

    q, k, v = (linear(n, tokens).reshape(2, 16, 4, 16).transpose(1, 2) for n in NEW[:3])
    heads = (q @ k.transpose(2, 3) / 4).softmax(dim=-1) @ v
    out = linear("to_out.0", heads.transpose(1, 2).reshape(2, 16, 64))
    expected = x + out.transpose(1, 2).reshape(x.shape)
    with torch.inference_mode():
        torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


def test_resampling_blocks_are_named_as_samplers() -> None:
    unet = network(resblock_updown=True)
    state = unet.state_dict()
    theirs = {
        f"{a}.{inner}.weight": state[f"{b}.{name}.weight"]
        for a, b in UP_DOWN.items()
        for inner, name in INSIDE.items()
        if f"{b}.{name}.weight" in state
    }
    assert len(theirs) == 10
    ours = to_published(theirs, unet)
    assert all(torch.equal(ours[name], state[name]) for name in ours)
    assert all("blocks" in name and "samplers" not in name for name in ours)


def test_an_unknown_name_stays_to_be_refused() -> None:
    unet = network()
    assert "strange.weight" in to_published({"strange.weight": torch.zeros(1)}, unet)
