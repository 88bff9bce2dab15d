"""The parts of guided diffusion's UNet, see `unet`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.networks.doubling import DoublingConv

GROUPS = 32


def timestep_embedding(t: Tensor, dim: int, max_period: float = 10_000.0) -> Tensor:
    """Sinusoids of the timestep: (b,) → (b, dim), cosines first. Vaswani et al. 2017."""
    half = dim // 2
    k = torch.arange(half, dtype=torch.float32, device=t.device)
    angles = t[:, None].float() * torch.exp(-math.log(max_period) * k / half)[None]
    embedding = torch.cat([angles.cos(), angles.sin()], dim=1)
    return F.pad(embedding, (0, dim % 2))


def silence(layer: nn.Module) -> None:
    """Let a layer begin with giving zeros."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class Downsample(nn.Module):
    """Halve height and width: a strided convolution, or a mean without parameters."""

    def __init__(self, channels: int, use_conv: bool) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, 2, 1) if use_conv else nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """Double height and width by nearest neighbour, then convolve if asked to."""

    def __init__(self, channels: int, use_conv: bool) -> None:
        super().__init__()
        self.conv = DoublingConv(channels, channels) if use_conv else nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


Resample = type[Downsample] | type[Upsample]


class ResBlock(nn.Module):
    """Two convolutions around the timestep embedding, which shifts (and scales) the second norm."""

    def __init__(
        self,
        channels: int,
        emb_channels: int,
        out_channels: int,
        *,
        dropout: float,
        use_scale_shift_norm: bool,
        resample: Resample | None = None,
    ) -> None:
        super().__init__()
        self.use_scale_shift_norm = use_scale_shift_norm
        self.in_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, channels),
            nn.SiLU(),
            nn.Conv2d(channels, out_channels, 3, padding=1),
        )
        self.resample = resample(channels, use_conv=False) if resample else nn.Identity()
        emb_out = 2 * out_channels if use_scale_shift_norm else out_channels
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb_channels, emb_out))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, out_channels),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        self.skip_connection = (
            nn.Identity() if out_channels == channels else nn.Conv2d(channels, out_channels, 1)
        )

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        norm, act, conv = self.in_layers
        h = conv(self.resample(act(norm(x))))
        e = self.emb_layers(emb).to(h.dtype)
        if self.use_scale_shift_norm:
            h = self.out_layers[1:](self.modulated(h, *e.chunk(2, dim=1)))
        else:
            h = self.out_layers(h + e[:, :, None, None])
        return self.skip_connection(self.resample(x)) + h

    def modulated(self, h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """The second norm, scaled and shifted by (1 or b)×c of the timestep."""
        norm: nn.GroupNorm = self.out_layers[0]  # type: ignore[assignment]
        if len(scale) == 1:  # one timestep for all: the norm's own affine map takes it in
            weight = norm.weight * (1 + scale[0])
            bias = norm.bias * (1 + scale[0]) + shift[0]
            return F.group_norm(h, GROUPS, weight, bias, norm.eps)
        return norm(h) * (1 + scale)[:, :, None, None] + shift[:, :, None, None]


class AttentionBlock(nn.Module):
    """Self-attention over all positions, channels of the joint convolution in the legacy order.

    Legacy: heads outermost, q, k and v inside each head.
    """

    def __init__(self, channels: int, num_head_channels: int) -> None:
        super().__init__()
        self.num_heads = channels // num_head_channels
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, perturbed: bool = False) -> Tensor:
        """Of x, b×c×h×w. Perturbed, each position sees itself alone: the map is the identity."""
        # Positions before channels: in channels-last memory these are views, and attention finds
        # the layout that its fast kernels take.
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        qkv = F.linear(tokens, self.qkv.weight.squeeze(-1), self.qkv.bias)
        q, k, v = qkv.view(*tokens.shape[:2], self.num_heads, 3, -1).permute(3, 0, 2, 1, 4)
        h = v if perturbed else F.scaled_dot_product_attention(q, k, v)
        h = h.transpose(1, 2).flatten(2)
        h = F.linear(h, self.proj_out.weight.squeeze(-1), self.proj_out.bias)
        return x + h.transpose(1, 2).view(x.shape)
