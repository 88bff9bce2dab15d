"""What age and print do to a photo: halftone dots, sepia, fading, scratches.

None of it is the paper's: eq. 17 knows blur, noise and JPEG alone, and whoever restores old photos
meets these too. Lengths are given for pictures of 512 pixels and grow with the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from difface_cli.degradations.parts import PAPER_SIZE, luma

SEPIA = ((0.13, 0.08, 0.04), (1.0, 0.94, 0.80))  # what black and white turn into
FADED = (0.34, 0.86)  # likewise, at a fading of 1
SUPERSAMPLED = 4  # scratches are finer than a pixel


@dataclass(frozen=True)
class OldPhoto:
    """How a photo aged; the defaults leave it as it is.

    Attributes:
        sepia: 0 keeps the colours, 1 turns all of them into shades of brown.
        fading: 0 to 1, contrast lost, unevenly over the picture.
        scratches: how many.
        halftone: spacing of the dots it is printed in, pixels at 512, at least 2; 0 for no dots.
            Colour is lost.
        seed: of scratches and of the unevenness.

    Raises:
        ValueError: for a parameter outside its range.
    """

    sepia: float = 0.0
    fading: float = 0.0
    scratches: int = 0
    halftone: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for name, share in (("sepia", self.sepia), ("fading", self.fading)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {share}")
        if not 0 <= self.scratches <= 1000:
            raise ValueError(f"scratches must be 0 to 1000, not {self.scratches}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, not {self.seed}")
        if self.halftone and not 2 <= self.halftone <= 100:
            raise ValueError(f"halftone must be 0, or 2 to 100, not {self.halftone}")

    def __call__(self, x: Tensor) -> Tensor:
        """Age a picture: 3×h×w in [0, 1] → the same shape."""
        relative = max(x.shape[1:]) / PAPER_SIZE
        uneven, lines = np.random.default_rng(self.seed).spawn(2)
        if self.halftone:
            x = halftone(x, self.halftone * relative)
        if self.sepia:
            x = sepia(x, self.sepia)
        if self.fading:
            x = fade(x, self.fading, uneven)
        if self.scratches:
            x = scratch(x, self.scratches, lines, relative)
        return x.clamp(0, 1)


def sepia(x: Tensor, strength: float) -> Tensor:
    """Blend 3×h×w with its luma in shades of brown."""
    dark, light = (torch.tensor(c).view(3, 1, 1).to(x) for c in SEPIA)
    return torch.lerp(x, dark + (light - dark) * luma(x), strength)


def fade(x: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Draw black and white together, by half to the whole of `strength` from place to place."""
    coarse = torch.from_numpy(rng.uniform(0.5, 1, (1, 1, 4, 4))).to(x)
    uneven = F.interpolate(coarse, x.shape[1:], mode="bilinear", align_corners=True)[0]
    low, high = FADED
    return torch.lerp(x, low + (high - low) * x, strength * uneven)


def halftone(x: Tensor, spacing: float) -> Tensor:
    """Print the luma of 3×h×w in dots `spacing` pixels apart, on a screen turned by 45 degrees.

    A flat grey g becomes white on a share g of its pixels.
    """
    rows, columns = torch.meshgrid(*(torch.arange(n).to(x) for n in x.shape[1:]), indexing="ij")
    wave = math.sqrt(2) * math.pi / spacing
    screen = torch.cos((columns + rows) * wave) + torch.cos((columns - rows) * wave)
    # Ranks in place of heights: the shares of black and white then follow the tone exactly.
    threshold = torch.empty(screen.numel()).to(x)
    threshold[screen.flatten().argsort(stable=True)] = torch.linspace(0, 1, screen.numel()).to(x)
    edge = 0.1 + 1 / spacing  # in tones, for dots without steps
    printed = ((luma(x) - threshold.view(screen.shape)) / edge + 0.5).clamp(0, 1)
    return printed.expand_as(x)


def scratch(x: Tensor, count: int, rng: np.random.Generator, relative: float) -> Tensor:
    """Draw `count` thin scratches, most of them upright and bright, over 3×h×w."""
    y = x.clone()
    for _ in range(count):
        tone = torch.tensor(1.0 if rng.random() < 0.8 else 0.1).to(x)
        opacity = float(rng.uniform(0.4, 0.95))
        place, line = _line(rng, (x.shape[1], x.shape[2]), relative)
        y[place] = torch.lerp(y[place], tone, opacity * line.to(x))
    return y


def _line(
    rng: np.random.Generator, size: tuple[int, int], relative: float
) -> tuple[tuple[slice, ...], Tensor]:
    """One wavering scratch: the part of the picture it lies in, how much of each pixel it covers.

    Returns:
        slices of channels, rows and columns, and 1×rows×columns in [0, 1].
    """
    at = np.array([rng.uniform(0, size[1]), rng.uniform(0, size[0])])
    direction = rng.normal(math.pi / 2, 0.35) if rng.random() < 0.8 else rng.uniform(0, math.pi)
    points = [at]
    for _ in range(rng.integers(4, 16)):
        direction += rng.normal(0, 0.08)
        step = rng.uniform(10, 40) * relative
        points.append(points[-1] + step * np.array([math.cos(direction), math.sin(direction)]))
    width = rng.uniform(0.6, 2.2) * relative
    # Only where it lies: a canvas for the whole of a large photo takes long to fill.
    low = np.clip(np.min(points, 0) - width, 0, size[::-1]).astype(int)
    high = np.ceil(np.clip(np.max(points, 0) + width, low + 1, size[::-1])).astype(int)
    columns, rows = (high - low).tolist()
    canvas = Image.new("L", (columns * SUPERSAMPLED, rows * SUPERSAMPLED))
    ImageDraw.Draw(canvas).line(
        [(float(px), float(py)) for px, py in (np.array(points) - low) * SUPERSAMPLED],
        255,
        max(1, round(width * SUPERSAMPLED)),
        "curve",
    )
    covered = torch.from_numpy(np.array(canvas.reduce(SUPERSAMPLED), np.float32) / 255)
    return (slice(None), slice(low[1], high[1]), slice(low[0], high[0])), covered[None]
