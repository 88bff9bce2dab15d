"""How much fine detail a picture shows, without any other picture to compare it with."""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.base.luma import luma
from difface_cli.metrics.fidelity import LEVELS, Floats

FINE = 0.01  # of the side: hair, lashes and skin, and the edges of what is larger


def sharpness(face: Floats, weight: Floats) -> float:
    """High-frequency energy: root mean square of the luma less its blur, in levels of 255.

    The blur is a Gaussian of 1 % of the side. It grows with all fine detail, skin, hair, and also
    noise and artefacts: it tells a smooth face from a crisp one, not a true from a false one.

    Args:
        face: s×s×3 in [0, 1].
        weight: s×s in [0, 1], how much each pixel counts.
    """
    y = luma(face)[..., 0]
    fine = y - cv2.GaussianBlur(y, (0, 0), FINE * y.shape[0])
    return LEVELS * math.sqrt(float(np.average(fine.astype(np.float64) ** 2, weights=weight)))
