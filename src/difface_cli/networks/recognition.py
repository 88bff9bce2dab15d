"""dlib's face recognition network: a residual network of 29 layers (King 2017).

https://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html; its weights are CC0.
The affine layer that dlib has behind each convolution is folded into it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 150
"""Of the pictures that it takes, pixels."""
MEAN = (122.782, 117.001, 104.298)
DEVIATION = 256.0
BLOCKS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Of each size: channels, blocks, and whether the first block makes the picture smaller."""
FEATURES = 128


class Block(nn.Module):
    """Two convolutions beside a way past them."""

    def __init__(self, before: int, channels: int, smaller: bool) -> None:
        super().__init__()
        stride = 2 if smaller else 1
        self.first = nn.Conv2d(before, channels, 3, stride, padding=0 if smaller else 1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.smaller = smaller

    def forward(self, x: Tensor) -> Tensor:
        """b×c×h×w; where the two ways differ in size, dlib adds zeros to the smaller."""
        y = self.second(F.relu(self.first(x)))
        past = F.avg_pool2d(x, 2) if self.smaller else x
        shape = [max(a, b) for a, b in zip(y.shape, past.shape, strict=True)]
        return F.relu(_grown(y, shape) + _grown(past, shape))


class FaceResNet(nn.Module):
    """b×3×150×150, RGB in [0, 255], to b×128: near for one person, far for two."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, BLOCKS[0][0], 7, stride=2)
        blocks, before = [], BLOCKS[0][0]
        for channels, count, smaller in BLOCKS:
            for i in range(count):
                blocks.append(Block(before, channels, smaller and i == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, FEATURES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Describe faces that stand where dlib's mean face stands."""
        x = (x - x.new_tensor(MEAN).view(1, 3, 1, 1)) / DEVIATION
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)
        described: Tensor = self.head(self.blocks(x).mean((2, 3)))
        return described


def _grown(x: Tensor, shape: list[int]) -> Tensor:
    pad = [
        n for size, now in zip(shape[:0:-1], x.shape[:0:-1], strict=True) for n in (0, size - now)
    ]
    return F.pad(x, pad) if any(pad) else x


def folded(kernel: Tensor, bias: Tensor, gain: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with the affine layer behind it in it."""
    return kernel * gain.view(-1, 1, 1, 1), bias * gain + shift


def convolutions() -> list[tuple[str, torch.Size]]:
    """Name and weight's shape of every convolution, in the order of the layers."""
    with torch.device("meta"):
        network = FaceResNet()
    return [
        (name, layer.weight.shape)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
