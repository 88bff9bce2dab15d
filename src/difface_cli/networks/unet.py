"""The prior's network: the UNet of guided diffusion.

Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis". Parameter names are
those of the published checkpoints, so `load_state_dict(strict=True)` takes them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.networks.unet_blocks import (
    GROUPS,
    AttentionBlock,
    Downsample,
    Resample,
    ResBlock,
    Upsample,
    silence,
    timestep_embedding,
)


class Stage(nn.Sequential):
    """Layers in a row: residual blocks take the timestep too, attention whether it is perturbed."""

    def forward(  # type: ignore[override]
        self, x: Tensor, emb: Tensor, perturbed: bool = False
    ) -> Tensor:
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, emb)
            elif isinstance(layer, AttentionBlock):
                x = layer(x, perturbed)
            else:
                x = layer(x)
        return x


@dataclass(frozen=True)
class _Layers:
    """Makes the stages of one network, all of whose layers share these settings."""

    emb_channels: int
    dropout: float
    use_scale_shift_norm: bool
    resblock_updown: bool
    num_head_channels: int
    attentive_levels: frozenset[int]

    def way_down(
        self, first: nn.Module, widths: Sequence[int], blocks: Sequence[int]
    ) -> tuple[nn.ModuleList, list[int]]:
        """The input stages, and the channels that each hands over to the way up."""
        stages, ch = nn.ModuleList([Stage(first)]), widths[0]
        skips = [ch]
        for level, width in enumerate(widths):
            for _ in range(blocks[level]):
                stages.append(Stage(self.res(ch, width), *self.attention(width, level)))
                ch = width
                skips.append(ch)
            if level < len(widths) - 1:
                stages.append(Stage(self.resample(ch, Downsample)))
                skips.append(ch)
        return stages, skips

    def middle(self, ch: int) -> Stage:
        """Two blocks with attention between them."""
        return Stage(self.res(ch, ch), AttentionBlock(ch, self.num_head_channels), self.res(ch, ch))

    def way_up(
        self, skips: Sequence[int], widths: Sequence[int], blocks: Sequence[int]
    ) -> nn.ModuleList:
        """The output stages; each takes what its input stage handed over."""
        left, ch = list(skips), widths[-1]
        stages = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for i in range(blocks[level] + 1):
                layers = [self.res(ch + left.pop(), width), *self.attention(width, level)]
                ch = width
                if level > 0 and i == blocks[level]:
                    layers.append(self.resample(ch, Upsample))
                stages.append(Stage(*layers))
        return stages

    def res(self, ch: int, out: int, resample: Resample | None = None) -> nn.Module:
        """A residual block from `ch` to `out` channels."""
        return ResBlock(
            ch,
            self.emb_channels,
            out,
            dropout=self.dropout,
            use_scale_shift_norm=self.use_scale_shift_norm,
            resample=resample,
        )

    def resample(self, ch: int, kind: Resample) -> nn.Module:
        """The step to the next size."""
        return self.res(ch, ch, kind) if self.resblock_updown else kind(ch, use_conv=True)

    def attention(self, ch: int, level: int) -> list[nn.Module]:
        """An attention block where the level has them."""
        return [AttentionBlock(ch, self.num_head_channels)] * (level in self.attentive_levels)


class UNet(nn.Module):
    """Predict eps or x0 of a noised picture.

    Args:
        image_size: side at the first level (after `patch_size`); halved at each further level.
        attention_resolutions: the sides at which attention stands; the middle always has it.
        num_res_blocks: a number, or one per level.
        patch_size: side of the pixel-unshuffle in front and the shuffle behind; `in_channels`
            and `out_channels` count what the convolutions see: 3·patch_size² for RGB.
        augment_channels: numbers in the label that says how a training picture was changed
            (Karras et al. 2022, appendix F.2); 0 where none was.

    The network is convolutional: it also runs at other sizes, divisible by
    patch_size · 2^(levels - 1).
    """

    def __init__(
        self,
        *,
        image_size: int,
        in_channels: int,
        model_channels: int,
        out_channels: int,
        num_res_blocks: int | Sequence[int],
        attention_resolutions: Sequence[int],
        channel_mult: Sequence[int],
        num_head_channels: int,
        use_scale_shift_norm: bool = True,
        resblock_updown: bool = False,
        dropout: float = 0.0,
        patch_size: int = 1,
        augment_channels: int = 0,
    ) -> None:
        super().__init__()
        levels = len(channel_mult)
        blocks = [num_res_blocks] * levels if isinstance(num_res_blocks, int) else num_res_blocks
        if len(blocks) != levels:
            raise ValueError(f"num_res_blocks has {len(blocks)} entries for {levels} levels")
        self.patch_size = patch_size
        self.stride = patch_size * 2 ** (levels - 1)
        self.model_channels = model_channels
        emb_channels = 4 * model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(model_channels, emb_channels),
            nn.SiLU(),
            nn.Linear(emb_channels, emb_channels),
        )
        if augment_channels:
            self.augment_embed = nn.Linear(augment_channels, emb_channels, bias=False)
        make = _Layers(
            emb_channels,
            dropout,
            use_scale_shift_norm,
            resblock_updown,
            num_head_channels,
            frozenset(
                level for level in range(levels) if image_size // 2**level in attention_resolutions
            ),
        )
        widths = [mult * model_channels for mult in channel_mult]
        first = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.input_blocks, skips = make.way_down(first, widths, blocks)
        self.middle_block = make.middle(widths[-1])
        self.output_blocks = make.way_up(skips, widths, blocks)
        self.out = nn.Sequential(
            nn.GroupNorm(GROUPS, widths[0]),
            nn.SiLU(),
            nn.Conv2d(widths[0], out_channels, 3, padding=1),
        )

    def zero_init(self) -> None:
        """Start training as the identity: silence the last convolution of each residual branch."""
        for module in self.modules():
            if isinstance(module, ResBlock):
                last: nn.Module = module.out_layers[-1]
            elif isinstance(module, AttentionBlock):
                last = module.proj_out
            elif isinstance(module, UNet):
                last = module.out[-1]
            else:
                continue
            silence(last)

    def forward(
        self, x: Tensor, t: Tensor, augmented: Tensor | None = None, *, perturbed: bool = False
    ) -> Tensor:
        """Predict from x_t in [-1, 1].

        Args:
            x: b×3×h×w; h and w divisible by `self.stride`.
            t: (b,) timesteps of the unrespaced schedule, or (1,) where all are at the same.
            augmented: b×augment_channels, how each picture was changed; None for pictures as
                they are, which is what zeros say as well.
            perturbed: whether attention sees nothing but its own place, see
                `method.perturbation`.

        Returns:
            b×c×h×w, with c = 3, or 6 where the variance is learned.
        """
        emb = self.time_embed(timestep_embedding(t, self.model_channels).to(self.dtype))
        if augmented is not None:
            emb = emb + self.augment_embed(augmented.to(self.dtype))
        h = F.pixel_unshuffle(x, self.patch_size).to(self.dtype)
        skips = []
        for stage in self.input_blocks:
            h = stage(h, emb, perturbed)
            skips.append(h)
        h = self.middle_block(h, emb, perturbed)
        for stage in self.output_blocks:
            h = stage(torch.cat([h, skips.pop()], dim=1), emb, perturbed)
        return F.pixel_shuffle(self.out(h), self.patch_size)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return next(self.parameters()).dtype
