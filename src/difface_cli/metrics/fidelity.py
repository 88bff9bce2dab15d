"""How near two pictures are: distance, PSNR, SSIM.

All take pictures s×s×c in [0, 1] and a weight s×s in [0, 1], which says how much each pixel
counts; with 1 everywhere they are the usual measures.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Planes = npt.NDArray[np.float64]

LEVELS = 255
K1, K2 = 0.01, 0.03
WINDOW, SIGMA = 11, 1.5
INNER = (slice(WINDOW // 2, -(WINDOW // 2)),) * 2  # where all of the window lies in the picture
STUDIO = np.array([65.481, 128.553, 24.966])


def distance(a: Floats, b: Floats, weight: Floats) -> float:
    """Root mean square difference in grey levels of 255: 0 for equal pictures."""
    return LEVELS * math.sqrt(_mean_square(a, b, weight))


def psnr(a: Floats, b: Floats, weight: Floats) -> float:
    """Peak signal-to-noise ratio in dB, at most 100: more is nearer."""
    return min(100.0, -10 * math.log10(max(_mean_square(a, b, weight), 1e-12)))


def ssim(a: Floats, b: Floats, weight: Floats) -> float:
    """Structural similarity, the mean over the channels: 1 for equal pictures.

    Wang et al. 2004, with their Gaussian window of 11 pixels; the border it does not fit into is
    left out.

    Raises:
        ValueError: for pictures smaller than the window.
    """
    if min(a.shape[:2]) < WINDOW:
        raise ValueError(f"SSIM needs {WINDOW} pixels a side, not {a.shape[:2]}")
    luminance, contrast = similar(a.astype(np.float64), b.astype(np.float64))
    return float(np.average((luminance * contrast).mean(axis=2), weights=weight[INNER]))


def similar(x: Planes, y: Planes) -> tuple[Planes, Planes]:
    """Luminance, and contrast with structure, of SSIM at every place the window fits, h×w×c."""
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x, var_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance, (2 * covariance + c2) / (var_x + var_y + c2)


def studio_luma(picture: Floats) -> Floats:
    """Y of ITU-R BT.601 in studio range: h×w×3 in [0, 1] → h×w×1 in [16/255, 235/255].

    This is the field's luma, MATLAB's rgb2ycbcr: PSNR and SSIM on Y take its values as
    they are, with a peak of 1.
    """
    y = (16 + picture.astype(np.float64) @ STUDIO) / LEVELS
    return np.asarray(y[..., None], np.float32)


def _mean_square(a: Floats, b: Floats, weight: Floats) -> float:
    squares = ((a.astype(np.float64) - b) ** 2).mean(axis=2)
    return float(np.average(squares, weights=weight))


def _windowed(x: Planes) -> Planes:
    # OpenCV drops an axis of length one.
    soft = cv2.GaussianBlur(x, (WINDOW, WINDOW), SIGMA).reshape(x.shape)
    return np.asarray(soft[INNER], np.float64)
