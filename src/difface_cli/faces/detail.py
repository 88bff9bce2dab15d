"""The input's own fine detail, put back where a restored face is softer than it.

A network draws faces at one size. Where the photo shows a face larger than that, or sharper than
it draws, its detail is real, and better than what would replace it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from difface_cli.faces import bands

Floats = npt.NDArray[np.float32]

WINDOW = 3.0  # pixels: standard deviation of the neighbourhood that energies are compared over
REACH = bands.REACH + round(4 * WINDOW)  # pixels around it that a result depends on
DOUBT = 2.0  # of the noise's energy: how much a neighbourhood must have to be more than noise
LEAST = 1e-12


def keep(restored: Floats, original: Floats, noise: tuple[float, ...]) -> Floats:
    """A restored luma with the detail of the original where that has more.

    In each band (`bands.split`) the energies of both are compared over a neighbourhood, the
    original's less its noise. Where the original's is the larger, its band takes the place of
    the restored one by the share that this lacks, shrunk as Wiener's filter does.

    Args:
        restored, original: h×w, on the same pixels, in the same units.
        noise: of the original, see `bands.noise_levels`.

    Returns:
        h×w; where the original shows nothing but noise, the restored luma.
    """
    drawn, blur = bands.split(restored)
    seen, _ = bands.split(original)
    result = blur.copy()
    for ours, theirs, level in zip(drawn, seen, noise, strict=True):
        here, there = _energy(ours), _energy(theirs)
        clean = np.maximum(there - np.float32(DOUBT * level**2), 0)
        lacking = 1 - np.minimum(here / np.maximum(clean, LEAST), 1)
        shrunk = clean / np.maximum(there, LEAST)
        result += ours + lacking * (shrunk * theirs - ours)
    return result


def _energy(band: Floats) -> Floats:
    side = 2 * round(4 * WINDOW) + 1
    return np.asarray(cv2.GaussianBlur(band * band, (side, side), WINDOW), np.float32)
