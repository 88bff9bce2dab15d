"""How alike two pictures are built: MS-SSIM over scales, GMSD over edges."""

from __future__ import annotations

import cv2
import numpy as np

from difface_cli.base.luma import LUMA
from difface_cli.metrics.fidelity import WINDOW, Floats, Planes, similar

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST = WINDOW * 2 ** (len(SCALES) - 1)  # of a side: the window fits the last scale

STEADY = 170 / 255**2  # GMSD's constant c, for values in [0, 1]
PREWITT = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]]) / 3


def ms_ssim(a: Floats, b: Floats) -> float:
    """Multi-scale structural similarity, the mean over the channels: 1 for equal pictures.

    Wang et al. 2003: contrast and structure at five scales, luminance at the last, each to the
    power of its weight. Scales that disagree altogether count as 0. No padding: the border that
    the window of 11 pixels does not fit into is left out, at every scale.

    Args:
        a, b: h×w×c in [0, 1].

    Raises:
        ValueError: for pictures with a side under 176 pixels, which have no fifth scale.
    """
    if min(a.shape[:2]) < SMALLEST:
        raise ValueError(f"MS-SSIM needs {SMALLEST} pixels a side, not {a.shape[:2]}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    product = np.ones(a.shape[2])
    for scale, weight in enumerate(SCALES):
        luminance, contrast = similar(x, y)
        last = scale == len(SCALES) - 1
        value = (luminance * contrast if last else contrast).mean(axis=(0, 1))
        product *= value.clip(0) ** weight
        x, y = _halved(x), _halved(y)
    return float(product.mean())


def gmsd(a: Floats, b: Floats) -> float:
    """Gradient magnitude similarity deviation: 0 for equal pictures, more is further apart.

    Xue et al. 2014, on the luma of half the size, with their constant and Prewitt's filters.

    Args:
        a, b: h×w×3 in [0, 1].
    """
    m, n = _edges(a), _edges(b)
    return float(((2 * m * n + STEADY) / (m * m + n * n + STEADY)).std())


def _halved(x: Planes) -> Planes:
    """Means of 2×2 pixels; what an odd side has left over is dropped."""
    height, width = (side // 2 * 2 for side in x.shape[:2])
    blocks = x[:height, :width].reshape(height // 2, 2, width // 2, 2, -1)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _edges(picture: Floats) -> Planes:
    """Gradient magnitudes of the luma at half the size."""
    luma = picture.astype(np.float64) @ LUMA
    soft = cv2.filter2D(luma, -1, np.full((2, 2), 0.25), borderType=cv2.BORDER_CONSTANT)
    small = soft[1::2, 1::2]
    across = cv2.filter2D(small, -1, PREWITT, borderType=cv2.BORDER_CONSTANT)
    down = cv2.filter2D(small, -1, PREWITT.T.copy(), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.hypot(across, down), np.float64)
