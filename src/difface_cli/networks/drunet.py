"""The starter's estimator: a UNet of residual blocks behind a pixel-unshuffle.

Zhang et al. 2021, "Plug-and-Play Image Restoration with Deep Denoiser Prior" (DRUNet): residual
blocks of two convolutions, strided ones between the levels, and skips that are added. Ours are the
pixel-unshuffle in front, biases, attention at the coarse levels, where it costs little and ties
the two halves of a face together, and a norm in each block: without it, the network had hardly
begun to learn after six times as many pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.networks.unet_blocks import GROUPS, AttentionBlock, silence


class Block(nn.Module):
    """Add to x what two convolutions make of it; begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        silence(self.second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(self.norm(x))))


class Level(nn.Sequential):
    """Blocks at one size, and attention after them where the level has it."""

    def __init__(self, channels: int, blocks: int, head_channels: int) -> None:
        layers: list[nn.Module] = [Block(channels) for _ in range(blocks)]
        if head_channels:
            attention = AttentionBlock(channels, head_channels)
            silence(attention.proj_out)
            layers.append(attention)
        super().__init__(*layers)


class DRUNet(nn.Module):
    """Predict what is to be added to a degraded picture.

    Args:
        patch_size: side of the pixel-unshuffle in front and the shuffle behind.
        channels: of each level, multiples of 32, finest first; each level is half as large as the
            one before.
        blocks: residual blocks of each level on the way down, and again on the way up.
        attentive: levels that end with attention, counted from 0, the finest.
        head_channels: of each head of attention, a divisor of the attentive levels' channels.
    """

    def __init__(
        self,
        *,
        patch_size: int = 4,
        channels: Sequence[int] = (64, 128, 192, 256),
        blocks: Sequence[int] = (2, 2, 2, 2),
        attentive: Sequence[int] = (),
        head_channels: int = 32,
    ) -> None:
        super().__init__()
        if len(blocks) != len(channels):
            raise ValueError(f"blocks has {len(blocks)} entries for {len(channels)} levels")
        self.patch_size = patch_size
        self.stride = patch_size * 2 ** (len(channels) - 1)
        pixels = 3 * patch_size**2
        steps = list(pairwise(channels))

        def level(i: int) -> Level:
            return Level(channels[i], blocks[i], head_channels if i in attentive else 0)

        self.first = nn.Conv2d(pixels, channels[0], 3, padding=1)
        self.down = nn.ModuleList([level(i) for i in range(len(channels))])
        self.shrink = nn.ModuleList([nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in steps])
        # A transposed convolution of 2×2, written as what is fast on a CPU.
        self.grow = nn.ModuleList([nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in steps])
        self.up = nn.ModuleList([level(i) for i in range(len(channels) - 1)])
        self.norm = nn.GroupNorm(GROUPS, channels[0])
        self.last = nn.Conv2d(channels[0], pixels, 3, padding=1)
        silence(self.last)

    def forward(self, y: Tensor) -> Tensor:
        """Estimate the sharp picture.

        Args:
            y: b×3×h×w in [0, 1]; h and w divisible by `self.stride`.

        Returns:
            The same shape, not clamped.
        """
        h = self.first(F.pixel_unshuffle(2 * y - 1, self.patch_size))
        skips = []
        for level, shrink in zip(self.down, self.shrink, strict=False):
            h = level(h)
            skips.append(h)
            h = shrink(h)
        h = self.down[-1](h)
        for level, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            h = level(F.pixel_shuffle(grow(h), 2) + skips.pop())
        return y + F.pixel_shuffle(self.last(F.silu(self.norm(h))), self.patch_size)
