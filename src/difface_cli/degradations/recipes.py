"""Where eq. 17's parameters are drawn from, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from difface_cli.degradations.degradation import Degradation

Recipe = Callable[[np.random.Generator], Degradation]
Span = tuple[float, float]  # both ends belong to it; equal ends fix the value


@dataclass(frozen=True)
class Ranges:
    """Uniform draws; the defaults are those the paper's estimators are trained on.

    Section VI-A, and the published code for what it leaves out: blur the same along both axes or
    not, half each, and one picture in a hundred grey.

    Attributes:
        sigma, scale, noise, quality, resample: as in `Degradation`; quality None for no JPEG.
        isotropic: share of blurs that are the same along both axes.
        gray: share of pictures that lose their colour.

    Raises:
        ValueError: for a range that is empty or leaves what `Degradation` allows.
    """

    sigma: Span = (0.1, 15)
    scale: Span = (0.8, 32)
    noise: Span = (0, 20)
    quality: tuple[int, int] | None = (30, 100)
    isotropic: float = 0.5
    gray: float = 0.01
    resample: str = "bicubic"

    def __post_init__(self) -> None:
        """Check both ends the way a draw is checked."""
        spans = {"blur": self.sigma, "scale": self.scale, "noise": self.noise}
        for name, (low, high) in (spans | {"quality": self.quality or (1, 1)}).items():
            if not low <= high < math.inf:
                raise ValueError(f"the range of {name} must go from low to high, not {low}:{high}")
        for name, share in (("isotropic", self.isotropic), ("gray", self.gray)):
            if not 0 <= share <= 1:
                raise ValueError(f"the share {name} must be 0 to 1, not {share}")
        for end in (0, 1):
            quality = self.quality and self.quality[end]
            sigma, scale, noise = self.sigma[end], self.scale[end], self.noise[end]
            Degradation(sigma, sigma, 0, scale, noise, quality, resample=self.resample)

    def __call__(self, rng: np.random.Generator) -> Degradation:
        """One draw."""
        sigma_x, sigma_y = rng.uniform(*self.sigma, 2)
        isotropic = rng.random() < self.isotropic
        return Degradation(
            sigma_x=float(sigma_x),
            sigma_y=float(sigma_x if isotropic else sigma_y),
            angle=0.0 if isotropic else float(rng.uniform(-math.pi, math.pi)),
            scale=float(rng.uniform(*self.scale)),
            noise=float(rng.uniform(*self.noise)),
            quality=self.quality and int(rng.integers(self.quality[0], self.quality[1] + 1)),
            gray=bool(rng.random() < self.gray),
            resample=self.resample,
            seed=int(rng.integers(2**31)),
        )


def training(rng: np.random.Generator, resample: str = "bicubic") -> Degradation:
    """Draw from the ranges the estimators are trained on (section VI-A, published code)."""
    return Ranges(resample=resample)(rng)


def celeba_test(rng: np.random.Generator) -> Degradation:
    """Draw from the test grid of appendix A.

    The paper's set has each of its 5 · 5 · 4 · 4 · 10 settings of quality, noise, blur, angle and
    scale once, and draws the second blur; here all are drawn, so that a picture's setting does
    not depend on the others. The published code adds the scale 12 to those of the paper.
    """
    sigma_x, sigma_y = rng.choice([4, 8, 12, 16], 2)
    return Degradation(
        sigma_x=float(sigma_x),
        sigma_y=float(sigma_y),
        angle=float(rng.choice(4)) * math.pi / 4,
        scale=float(rng.choice([4, 8, 12, 16, 20, 24, 28, 32, 36, 40])),
        noise=float(rng.choice([1, 5, 10, 15, 20])),
        quality=int(rng.choice([30, 40, 50, 60, 70])),
        seed=int(rng.integers(2**31)),
    )


def bicubic(scale: float) -> Recipe:
    """Bicubic downsampling alone, as super-resolution is tested (table IX)."""
    return lambda rng: Degradation(0, 0, 0, scale=scale, noise=0, quality=None)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "train": training,
        "celeba-test": celeba_test,
        "bicubic-x8": bicubic(8),
        "bicubic-x16": bicubic(16),
    }
)
