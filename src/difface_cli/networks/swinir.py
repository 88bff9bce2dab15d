"""The paper's estimator: SwinIR behind a pixel-unshuffle.

Liang et al. 2021, "SwinIR: Image Restoration Using Swin Transformer", in the form that DifFace
uses: unshuffle by 8, residual groups of shifted-window attention, `nearest+conv` upsampling.
Parameter names are those of the published checkpoints; the buffers stored there
(`relative_position_index`, `attn_mask`) follow from the sizes and are computed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.networks.doubling import DoublingConv
from difface_cli.networks.padding import pad_to_multiple
from difface_cli.networks.windows import (
    from_windows,
    relative_position_index,
    shift_mask,
    to_windows,
)

# The mean colour of DIV2K, subtracted as in the published networks.
RGB_MEAN = (0.4488, 0.4371, 0.4040)


def attend(qkv: Tensor, bias: Tensor) -> Tensor:
    """Attention over the last but one axis: 3×n×heads×length×d → n×heads×length×d.

    Args:
        bias: added to the scores, (1 or n)×heads×length×length.
    """
    if qkv.device.type == "cpu" and not torch.is_grad_enabled():
        # Blocks of a CPU's fused kernel are larger than a window: it takes half as long again.
        q, k, v = qkv.contiguous()
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        return scores.add_(bias).softmax(-1) @ v
    q, k, v = qkv
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias by relative position."""

    def __init__(self, dim: int, window: int, num_heads: int) -> None:
        super().__init__()
        self.window = window
        self.num_heads = num_heads
        table = torch.empty((2 * window - 1) ** 2, num_heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Attend: (b·windows)×window²×dim; `mask` is (windows, window², window²)."""
        n, length, dim = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.bias(x.device).to(x.dtype)
        if mask is not None:
            masked = bias + mask[:, None].to(x.dtype)
            bias = masked.repeat(n // len(mask), 1, 1, 1)
        h = attend(qkv, bias)
        return self.proj(h.transpose(1, 2).reshape(n, length, dim))

    def bias(self, device: torch.device) -> Tensor:
        """What relative positions add to the scores: 1×heads×window²×window²."""
        index = relative_position_index(self.window, device)
        return self.relative_position_bias_table.t()[:, index][None]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        _drop_buffer(state_dict, prefix + "relative_position_index", (self.window**2,) * 2)
        super()._load_from_state_dict(state_dict, prefix, *args)


class Mlp(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    """Window attention, shifted by half a window in every second block, then an MLP."""

    def __init__(
        self, dim: int, num_heads: int, window: int, shift: int, mlp_ratio: float, trained_size: int
    ) -> None:
        super().__init__()
        self.window, self.shift, self.trained_size = window, shift, trained_size
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        """b×h×w×dim → the same shape; h and w divisible by the window."""
        _, height, width, _ = x.shape
        h = self.norm1(x)
        mask = None
        if self.shift:
            h = h.roll((-self.shift, -self.shift), dims=(1, 2))
            mask = shift_mask(height, width, self.window, self.shift, x.device)
        h = from_windows(self.attn(to_windows(h, self.window), mask), self.window, height, width)
        if self.shift:
            h = h.roll((self.shift, self.shift), dims=(1, 2))
        x = x + h
        return x + self.mlp(self.norm2(x))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if self.shift:
            length = self.window**2
            windows = (self.trained_size // self.window) ** 2
            _drop_buffer(state_dict, prefix + "attn_mask", (windows, length, length))
        super()._load_from_state_dict(state_dict, prefix, *args)


def _drop_buffer(state_dict: dict[str, Any], name: str, shape: tuple[int, ...]) -> None:
    """Accept a buffer that published checkpoints store and this network computes."""
    if name in state_dict and tuple(state_dict[name].shape) == shape:
        del state_dict[name]


class ResidualGroup(nn.Module):
    """A row of blocks; the extra level is in the published names (`residual_group.blocks`)."""

    def __init__(self, blocks: Sequence[SwinBlock]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class ResidualSwinGroup(nn.Module):
    """Swin blocks and a 3×3 convolution inside one skip connection."""

    def __init__(self, dim: int, blocks: Sequence[SwinBlock]) -> None:
        super().__init__()
        self.residual_group = ResidualGroup(blocks)
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """b×h×w×dim → the same shape."""
        h = self.conv(self.residual_group(x).permute(0, 3, 1, 2))
        return x + h.permute(0, 2, 3, 1)


class PatchNorm(nn.Module):
    """The norm in front of the blocks, under its published name (`patch_embed.norm`)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class SwinIR(nn.Module):
    """Estimate the sharp picture from the degraded one, both at the same size.

    Args:
        img_size: side, after the unshuffle, of the training pictures; other sizes run as well.
        sf: upsampling factor behind the blocks: 2, 4 or 8; the output has
            sf / unshuffle_scale times the input's size.
        unshuffle_scale: side of the pixel-unshuffle in front.
        num_feat: channels behind the blocks; the published networks have 64.
        residual: whether the network predicts what to add to its input, and not the picture
            itself as the published ones do; a small network then learns far sooner.

    `upsampler` and `resi_connection` are accepted as published configs write them; other values
    than `nearest+conv` and `1conv` are not built here.
    """

    def __init__(
        self,
        *,
        img_size: int,
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: int = 8,
        mlp_ratio: float = 2.0,
        sf: int = 8,
        unshuffle_scale: int = 8,
        in_chans: int = 3,
        num_feat: int = 64,
        residual: bool = False,
        patch_size: int = 1,
        img_range: float = 1.0,
        unshuffle: bool = True,
        upsampler: str = "nearest+conv",
        resi_connection: str = "1conv",
    ) -> None:
        super().__init__()
        if (upsampler, resi_connection, patch_size) != ("nearest+conv", "1conv", 1):
            raise ValueError("only upsampler nearest+conv, resi_connection 1conv, patch_size 1")
        scale = unshuffle_scale if unshuffle else 1
        self.img_range, self.residual = img_range, residual
        self.stride = scale * window_size
        self.upsamplings = int(math.log2(sf))
        if 2**self.upsamplings != sf:
            raise ValueError(f"sf {sf} is no power of two")
        if residual and sf != scale:
            raise ValueError("a residual network gives back the input's size: sf must equal scale")

        first = nn.Conv2d(in_chans * scale**2, embed_dim, 3, padding=1)
        self.conv_first = nn.Sequential(nn.PixelUnshuffle(scale), first) if unshuffle else first
        self.patch_embed = PatchNorm(embed_dim)
        self.layers = nn.ModuleList(
            ResidualSwinGroup(
                embed_dim,
                [
                    SwinBlock(
                        embed_dim, heads, window_size, i % 2 * window_size // 2, mlp_ratio, img_size
                    )
                    for i in range(depth)
                ],
            )
            for depth, heads in zip(depths, num_heads, strict=True)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.conv_after_body = nn.Conv2d(embed_dim, embed_dim, 3, padding=1)

        ch = num_feat
        self.conv_before_upsample = nn.Sequential(
            nn.Conv2d(embed_dim, ch, 3, padding=1), nn.LeakyReLU(inplace=True)
        )
        for i in range(self.upsamplings):
            setattr(self, f"conv_up{i + 1}", DoublingConv(ch, ch))
        self.conv_hr = nn.Conv2d(ch, ch, 3, padding=1)
        self.conv_last = nn.Conv2d(ch, in_chans, 3, padding=1)

    def body(self, h: Tensor) -> Tensor:
        """All residual groups, on b×dim×h×w features."""
        x = self.patch_embed(h.permute(0, 2, 3, 1))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x).permute(0, 3, 1, 2)

    def forward(self, y: Tensor) -> Tensor:
        """Estimate: b×c×h×w in [0, 1] → the same shape, not clamped.

        Sizes that `self.stride` does not divide are padded by reflection and cut again.
        """
        height, width = y.shape[-2:]
        y = pad_to_multiple(y, self.stride)
        mean = y.new_tensor(RGB_MEAN if y.shape[1] == 3 else 0.0).view(1, -1, 1, 1)
        h = self.conv_first((y - mean) * self.img_range)
        h = self.conv_before_upsample(h + self.conv_after_body(self.body(h)))
        for i in range(self.upsamplings):
            h = F.leaky_relu(getattr(self, f"conv_up{i + 1}")(h), 0.2, inplace=True)
        h = self.conv_last(F.leaky_relu(self.conv_hr(h), 0.2, inplace=True))
        base = y if self.residual else mean
        return (h / self.img_range + base)[..., :height, :width]
