"""RetinaFace on its small backbone, with the published parameter names.

facexlib's own class imports torchvision for its other backbone, for a second before the first
face is looked for; this one needs torch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STAGES = (  # channels before and after each block, and its stride; a first block goes before
    ((8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)),
    ((64, 128, 2), *[(128, 128, 1)] * 5),
    ((128, 256, 2), (256, 256, 1)),
)
WIDTH = 64  # channels of the pyramid
SLOPE = 0.1
CONFIG = {
    "min_sizes": [[16, 32], [64, 128], [256, 512]],
    "steps": [8, 16, 32],
    "variance": [0.1, 0.2],
}


class MobileRetinaFace(nn.Module):
    """Deng et al. 2020 with MobileNet V1 at a quarter of its width; facexlib's "mobile0.25".

    Names of parameters, `cfg` and `phase` are those of facexlib's class.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cfg: dict[str, Any] = dict(CONFIG)
        self.phase = "test"
        stages = [[_separable(*block) for block in blocks] for blocks in STAGES]
        stages[0].insert(0, _row(3, 8, stride=2))
        self.body = nn.ModuleDict(
            {f"stage{i}": nn.Sequential(*stage) for i, stage in enumerate(stages, 1)}
        )
        self.fpn = _Pyramid([blocks[-1][1] for blocks in STAGES])
        self.ssh1, self.ssh2, self.ssh3 = (_Context() for _ in STAGES)
        self.ClassHead, self.BboxHead, self.LandmarkHead = (
            nn.ModuleList(_Head(numbers) for _ in STAGES) for numbers in (2, 4, 10)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each of A anchors sees.

        Args:
            pictures: b×3×h×w, BGR less the mean.

        Returns:
            Offsets b×A×4, probabilities (no face, face) b×A×2 or, in the phase "train", their
            logits, and landmarks b×A×10.
        """
        stages = []
        for stage in self.body.values():
            pictures = stage(pictures)
            stages.append(pictures)
        levels = zip((self.ssh1, self.ssh2, self.ssh3), self.fpn(stages), strict=True)
        features = [context(level) for context, level in levels]
        offsets, logits, landmarks = (
            torch.cat([head(f) for head, f in zip(heads, features, strict=True)], dim=1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return offsets, logits if self.phase == "train" else logits.softmax(-1), landmarks


class _Pyramid(nn.Module):
    """Features of three scales, the coarse ones added to the finer (Lin et al. 2017)."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_row(c, WIDTH, side=1) for c in channels)
        self.merge1, self.merge2 = (_row(WIDTH, WIDTH) for _ in range(2))

    def forward(self, stages: Sequence[Tensor]) -> list[Tensor]:
        fine, middle, coarse = (
            row(x)
            for row, x in zip((self.output1, self.output2, self.output3), stages, strict=True)
        )
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[2:]))
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[2:]))
        return [fine, middle, coarse]


class _Context(nn.Module):
    """What surrounds each place, seen through windows of 3, 5 and 7 (Najibi et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = WIDTH // 2, WIDTH // 4
        self.conv3X3 = _row(WIDTH, half, relu=False)
        self.conv5X5_1 = _row(WIDTH, quarter)
        self.conv5X5_2 = _row(quarter, quarter, relu=False)
        self.conv7X7_2 = _row(quarter, quarter)
        self.conv7x7_3 = _row(quarter, quarter, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        shared = self.conv5X5_1(x)
        wide = self.conv7x7_3(self.conv7X7_2(shared))
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(shared), wide], dim=1))


class _Head(nn.Module):
    """So many numbers for each of a cell's two anchors: b×WIDTH×h×w → b×(h·w·2)×numbers."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(WIDTH, 2 * numbers, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.numbers)


def _row(
    before: int, after: int, *, side: int = 3, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    return nn.Sequential(*_layers(before, after, side, stride, relu=relu))


def _separable(before: int, after: int, stride: int) -> nn.Sequential:
    """A convolution of each channel by itself, and one that mixes them (Howard et al. 2017)."""
    return nn.Sequential(
        *_layers(before, before, 3, stride, groups=before), *_layers(before, after, 1, 1)
    )


def _layers(
    before: int, after: int, side: int, stride: int, *, groups: int = 1, relu: bool = True
) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, side, stride, side // 2, groups=groups, bias=False)
    last = [nn.LeakyReLU(SLOPE, inplace=True)] if relu else []
    return [convolution, nn.BatchNorm2d(after), *last]
