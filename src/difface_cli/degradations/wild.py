"""Degradations in the wild: eq. 17 between what prints, scanners and apps do besides.

The paper's estimators meet blur, scaling, noise and one JPEG. Photos that people have are also
printed in dots, grainy, brown or faded, sharpened by a scanner, and saved again and again. Tone
(brown, faded) belongs to the photo and not to its damage: it is in the truth as well, so that a
restored face fits the photo round it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.degradations import old_photo, parts
from difface_cli.degradations.degradation import Degradation
from difface_cli.degradations.parts import PAPER_SIZE
from difface_cli.degradations.recipes import Ranges

HARD = Ranges(sigma=(0.1, 16), scale=(0.8, 40), noise=(0, 25), quality=(25, 100))
MILD = Ranges(sigma=(0.1, 4), scale=(0.8, 8), noise=(0, 25), quality=(25, 100))
SHARES = {
    "mild": 0.3,
    "sepia": 0.06,
    "fading": 0.06,
    "halftone": 0.04,
    "grain": 0.12,
    "sharpening": 0.12,
    "again": 0.25,
}
"""How often each part occurs, each on its own."""


@dataclass(frozen=True)
class Wild:
    """One draw; a part of strength 0, or None, is left out.

    Attributes:
        degradation: eq. 17's part.
        sepia, fading: see `OldPhoto`; of the photo as it is now, in the truth as well.
        halftone: spacing of the dots it is printed in, pixels at 512.
        grain: standard deviation of the film's grain, of 255; it is as wide as `grain_size`,
            pixels at 512.
        sharpening: how much of what a blur takes away is added once more.
        again: quality of a second JPEG, at full size.
        seed: of grain and fading.
    """

    degradation: Degradation
    sepia: float = 0.0
    fading: float = 0.0
    halftone: float = 0.0
    grain: float = 0.0
    grain_size: float = 2.0
    sharpening: float = 0.0
    again: int | None = None
    seed: int = 0

    @property
    def gray(self) -> bool:
        """Whether colour is lost."""
        return self.degradation.gray or self.halftone > 0

    def toned(self, x: Tensor) -> Tensor:
        """The truth as this photo shows it: 3×h×w in [0, 1] → the same shape."""
        if self.gray:
            x = parts.luma(x).expand_as(x)
        if self.sepia:
            x = old_photo.sepia(x, self.sepia)
        if self.fading:
            x = old_photo.fade(x, self.fading, np.random.default_rng(self.seed))
        return x

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade what `toned` returned: 3×h×w in [0, 1] → the same shape."""
        relative = max(x.shape[1:]) / PAPER_SIZE
        rng = np.random.default_rng((self.seed, 1))
        if self.halftone:
            x = old_photo.halftone(x, max(2.0, self.halftone * relative))
        if self.grain:
            x = grain(x, self.grain, self.grain_size * relative, rng)
        x = self.degradation(x)
        if self.sharpening:
            x = sharpen(x, self.sharpening, relative)
        return x if self.again is None else parts.jpeg(x, self.again)


def wild(rng: np.random.Generator, resample: str = "bicubic") -> Wild:
    """Draw from what photos have gone through, hard and mild."""
    has = {part: rng.random() < share for part, share in SHARES.items()}
    degradation = replace(MILD if has["mild"] else HARD, resample=resample)(rng)
    strengths = rng.uniform(size=7).tolist()
    return Wild(
        degradation=degradation,
        sepia=has["sepia"] * (0.3 + 0.7 * strengths[0]),
        fading=has["fading"] * strengths[1],
        halftone=has["halftone"] * (3 + 7 * strengths[2]),
        grain=has["grain"] * (4 + 26 * strengths[3]),
        grain_size=1 + 3 * strengths[4],
        sharpening=has["sharpening"] * (0.5 + 2 * strengths[5]),
        again=round(40 + 55 * strengths[6]) if has["again"] else None,
        seed=int(rng.integers(2**31)),
    )


def grain(x: Tensor, sigma: float, size: float, rng: np.random.Generator) -> Tensor:
    """Add noise of standard deviation `sigma`, of 255, that is `size` pixels wide, to every channel
    alike."""
    noise = torch.from_numpy(rng.standard_normal((1, 1, *x.shape[1:]), np.float32)).to(x)
    if size > 1:
        radius = math.ceil(size)
        axis = torch.arange(-radius, radius + 1).to(x)
        line = torch.exp(-0.5 * (axis / (size / 2)) ** 2)
        line /= line.square().sum().sqrt()  # the noise keeps its strength
        for kernel in (line.view(1, 1, -1, 1), line.view(1, 1, 1, -1)):
            pad = (0, 0, radius, radius) if kernel.shape[2] > 1 else (radius, radius, 0, 0)
            noise = F.conv2d(F.pad(noise, pad, mode="circular"), kernel)
    return (x + noise[0] * (sigma / 255)).clamp(0, 1)


def sharpen(x: Tensor, amount: float, relative: float) -> Tensor:
    """Unsharp masking: x + amount · (x - blurred x), as scanners do it."""
    sigma = 3 * relative
    return (x + amount * (x - parts.blur(x, sigma, sigma, 0.0, relative))).clamp(0, 1)
