"""How degraded a face is: the blur and scale of eq. 17 that lead from a sharp face to it.

Blur and resizing are filters, so the search for them needs no pictures: for faces with the
spectra X (sharp) and Y (degraded) and a filter H that is the same in all directions, the squared
residual is Σ|Y - HX|² = Σ C - 2HB + H²A over the rings of equal frequency, where A, B and C are
the rings' sums of |X|², Re YX* and |Y|². One Fourier transform of each face serves all candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from difface_cli.base.luma import luma
from difface_cli.degradations import PAPER_SIZE
from difface_cli.faces import bands

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

BLURS = np.arange(0, 16.5, 0.5)
SCALES = np.geomspace(1, 40, 45)
NOISE_WEIGHT = 0.5
"""What a level of noise counts beside a pixel of blur in one number: so weighed, the number tells
best by how much an estimate is nearer to the truth than the face it was made of."""


@dataclass(frozen=True)
class Severity:
    """The degradation that fits best, in the units of `degradations.Degradation`.

    Attributes:
        blur: standard deviation of the Gaussian blur, pixels at 512.
        scale: downsampling factor at 512, 1 or more.
        noise: standard deviation of the luma's noise, of 255: a floor, for enlarging smooths
            noise, and JPEG takes some of it.
    """

    blur: float
    scale: float
    noise: float

    @property
    def width(self) -> float:
        """Blur and scale in one number: the standard deviation of both together, pixels at 512.

        That of the Gaussian whose transfer falls to a half where theirs does; 0 where nothing
        is lost.
        """
        return _width(self.blur, self.scale)

    @property
    def total(self) -> float:
        """Blur, scale and noise in one number, as if all of it were blur, pixels at 512."""
        return math.hypot(self.width, NOISE_WEIGHT * self.noise)


def of_size(side: float) -> float:
    """The `width` of a sharp face whose aligned square is no larger than `side` pixels."""
    return _width(0.0, PAPER_SIZE / side)


def fit(face: Floats, sharp: Floats, weight: Floats) -> Severity:
    """Find how `sharp` has to be degraded to come nearest to `face`.

    Blur and scale are searched on a grid, by their residual; noise is measured.

    Args:
        face: the face as it was found, s×s×3 in [0, 1].
        sharp: the same face estimated or restored, s×s×3 in [0, 1].
        weight: s×s in [0, 1], how much each pixel counts; it should fade to 0 at the border.
    """
    size = face.shape[0]
    y, x = (_spectrum(luma(picture)[..., 0], weight) for picture in (face, sharp))
    rings, frequencies = _rings(size)
    a, b, c = (
        np.bincount(rings, power.ravel())[: len(frequencies)]
        for power in (np.abs(x) ** 2, (y * x.conj()).real, np.abs(y) ** 2)
    )
    h = _candidates(size)
    residuals = (c - 2 * h * b + h**2 * a).sum(axis=-1)
    i, j = np.unravel_index(residuals.argmin(), residuals.shape)
    blur, scale = float(BLURS[i]), float(SCALES[j])
    return Severity(blur, scale, noise(face, scale))


def transfer(blur: float, scale: float, frequencies: Doubles) -> Doubles:
    """What eq. 17 leaves of each frequency: the blur, bicubic ↓s and ↑s, without aliasing.

    Args:
        blur: pixels at 512.
        scale: at 512; below 1 there is nothing to lose.
        frequencies: cycles a pixel at 512, any shape.
    """
    gaussian = np.exp(-2 * (math.pi * blur * frequencies) ** 2)
    return gaussian * (_bicubic(scale * frequencies) ** 2 if scale > 1 else 1)


def noise(face: Floats, scale: float) -> float:
    """The noise of a face of this scale, in levels of 255, see `bands.noise`.

    Args:
        face: s×s×3 in [0, 1].
        scale: at 512, as in `Severity`: the face is looked at where noise came to it.
    """
    y = luma(face)[..., 0]
    side = max(8, round(min(y.shape[0], PAPER_SIZE / scale)))
    small = cv2.resize(y, (side, side), interpolation=cv2.INTER_LINEAR)
    return 255 * bands.noise(np.asarray(small, np.float32))


@cache
def _width(blur: float, scale: float) -> float:
    """Of `Severity`; of the few values of the grid, each is asked for many times."""
    f = np.linspace(0, 0.5, 2001)
    lost = transfer(blur, scale, f) < 0.5
    half = float(f[lost.argmax()])
    return math.sqrt(2 * math.log(2)) / (2 * math.pi * half) if lost.any() else 0.0


def _spectrum(plane: Floats, weight: Floats) -> npt.NDArray[np.complex128]:
    mean = np.average(plane, weights=weight)
    return np.fft.fft2((plane - mean) * weight)


@cache
def _rings(size: int) -> tuple[npt.NDArray[np.intp], Doubles]:
    """The ring of each of size×size frequencies, and the rings' frequencies, cycles a pixel."""
    f = np.fft.fftfreq(size)
    radius = np.hypot(f[:, None], f[None, :])
    rings = np.rint(radius * size).astype(np.intp).ravel()
    return rings, np.arange(size // 2 + 1) / size


@cache
def _candidates(size: int) -> Doubles:
    """The transfer of every blur and scale: len(BLURS)×len(SCALES)×rings."""
    f = _rings(size)[1] * size / PAPER_SIZE
    blurs = np.array([transfer(blur, 1, f) for blur in BLURS])
    scales = np.array([transfer(0, scale, f) for scale in SCALES])
    together: Doubles = blurs[:, None] * scales[None]
    return together


def _bicubic(f: Doubles) -> Doubles:
    """The Fourier transform of Keys' cubic kernel (1981, a = -1/2), f in cycles a sample."""
    t = (np.arange(400) + 0.5) / 200
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    kernel = np.where(t < 1, near, far)
    turns = np.cos(2 * math.pi * np.multiply.outer(f, t))
    transformed: Doubles = (turns @ kernel) * (2 / 200)
    return np.where(f < 1, transformed, 0)
