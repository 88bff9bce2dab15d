"""From the parameter names of diffusers' `UNet2DModel` to those of the published UNet.

Inferred for the hub's `OAOA/DifFace`, which was not at hand: that its names are those of this
class. For the class itself, of diffusers 0.42, both networks' outputs were compared and agree to
2e-6. The conversion checks every name and shape afterwards, so a wrong guess is an error and
never a wrong network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from difface_cli.networks.unet import UNet
from difface_cli.networks.unet_blocks import AttentionBlock, Downsample, ResBlock, Upsample

ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
# Attention of diffusers since 0.14, and before.
PROJECTIONS = (("to_q", "to_k", "to_v", "to_out.0"), ("query", "key", "value", "proj_attn"))


def is_diffusers(state: Mapping[str, Tensor]) -> bool:
    """Whether these are the names of `UNet2DModel`."""
    return "conv_in.weight" in state and "time_embedding.linear_1.weight" in state


def to_published(state: Mapping[str, Tensor], network: UNet) -> dict[str, Tensor]:
    """Rename a `UNet2DModel` state dict, and join its q, k and v.

    Args:
        network: the UNet the result is for; only its structure is looked at.

    Returns:
        The tensors under the published names. Those that fit no name keep theirs, and are then
        refused as unknown.
    """
    rest = dict(state)
    renamed: dict[str, Tensor] = {}
    for ours, theirs in _layers(network):
        if isinstance(ours, AttentionBlock):
            renamed |= _attention(rest, theirs[0], theirs[1], ours.num_heads)
        else:
            for kind in ("weight", "bias"):
                if f"{theirs[1]}.{kind}" in rest:
                    renamed[f"{theirs[0]}.{kind}"] = rest.pop(f"{theirs[1]}.{kind}")
    return renamed | rest


def _layers(network: UNet) -> Iterator[tuple[nn.Module | None, tuple[str, str]]]:
    """Every named layer: (its module for attention, (our name, theirs))."""
    for ours, theirs in ENDS.items():
        yield None, (ours, theirs)
    places = [
        *_numbered(network.input_blocks, "input_blocks", "down_blocks", Downsample),
        *_numbered(network.output_blocks, "output_blocks", "up_blocks", Upsample),
        *_numbered(nn.ModuleList([network.middle_block]), "middle_block", "mid_block", ()),
    ]
    for module, ours, theirs in places:
        if isinstance(module, ResBlock):
            for inner, name in RESNET.items():
                yield None, (f"{ours}.{inner}", f"{theirs}.{name}")
        elif isinstance(module, AttentionBlock):
            yield module, (ours, theirs)
        elif isinstance(module, (Downsample, Upsample)):
            inner = "op" if isinstance(module, Downsample) else "conv"
            yield None, (f"{ours}.{inner}", f"{theirs}.conv")


def _numbered(
    stages: nn.ModuleList, ours: str, theirs: str, sampling: type | tuple[()]
) -> Iterator[tuple[nn.Module, str, str]]:
    """Number the layers by level, as diffusers does; a change of size ends a level."""
    level, counts = 0, {"resnets": 0, "attentions": 0}
    for i, stage in enumerate(stages):
        for j, module in enumerate(stage.children()):
            middle = ours == "middle_block"
            name = f"{ours}.{j}" if middle else f"{ours}.{i}.{j}"
            block = theirs if middle else f"{theirs}.{level}"
            resampled = isinstance(getattr(module, "resample", module), sampling or ())
            if resampled:
                side = "down" if sampling is Downsample else "up"
                yield module, name, f"{block}.{side}samplers.0"
                level, counts = level + 1, {"resnets": 0, "attentions": 0}
            elif isinstance(module, (ResBlock, AttentionBlock)):
                kind = "resnets" if isinstance(module, ResBlock) else "attentions"
                yield module, name, f"{block}.{kind}.{counts[kind]}"
                counts[kind] += 1


def _attention(rest: dict[str, Tensor], ours: str, theirs: str, heads: int) -> dict[str, Tensor]:
    """Linear q, k, v into one convolution: heads outermost, q, k and v inside each head."""
    joined = {}
    named = next((n for n in PROJECTIONS if f"{theirs}.{n[0]}.weight" in rest), PROJECTIONS[0])
    for kind in ("weight", "bias"):
        if f"{theirs}.group_norm.{kind}" in rest:
            joined[f"{ours}.norm.{kind}"] = rest.pop(f"{theirs}.group_norm.{kind}")
        # A 1×1 convolution over the positions has one axis more than a linear layer.
        axis = (1,) if kind == "weight" else ()
        if f"{theirs}.{named[3]}.{kind}" in rest:
            out = rest.pop(f"{theirs}.{named[3]}.{kind}")
            joined[f"{ours}.proj_out.{kind}"] = out.reshape(*out.shape, *axis)
        names = [f"{theirs}.{name}.{kind}" for name in named[:3]]
        if all(name in rest for name in names):
            parts = [rest.pop(name) for name in names]
            parts = [part.reshape(heads, -1, *part.shape[1:]) for part in parts]
            qkv = torch.stack(parts, dim=1).flatten(0, 2)
            joined[f"{ours}.qkv.{kind}"] = qkv.reshape(*qkv.shape, *axis)
    return joined
