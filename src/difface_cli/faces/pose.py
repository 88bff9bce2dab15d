"""How a face stands to the camera and to the photo's edge, from five landmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from difface_cli.faces.resample import Floats, Matrix

FARTHEST = 10.0
COARSE = 64  # pixels of the mask that are looked at, a side


def turn(landmarks: npt.ArrayLike) -> float:
    """How far the head is turned to a side: how far the nose lies off the middle of the face.

    In distances of the eyes, along the line through them, from the mean of eyes and mouth. 0 for
    a face that looks at the camera, whatever its tilt; a nose that stands out by half the eyes'
    distance gives half the tangent of the angle. At most 10.

    Args:
        landmarks: 5×2 in the order of `detect.Face`.
    """
    points = np.asarray(landmarks, np.float64)
    eyes = points[1] - points[0]
    apart = float(np.linalg.norm(eyes))
    middle = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2
    off = abs(float((points[2] - middle) @ eyes))
    return min(FARTHEST, off / apart**2) if apart > 0 else FARTHEST


def inside(matrix: Matrix, width: int, height: int, mask: Floats) -> float:
    """The share of an aligned face that lies within the photo.

    Args:
        matrix: from photo to aligned coordinates.
        width, height: of the photo, pixels.
        mask: s×s in [0, 1], how much each pixel of the aligned face counts.
    """
    step = max(1, mask.shape[0] // COARSE)
    weight = mask[::step, ::step]
    y, x = np.mgrid[0 : mask.shape[0] : step, 0 : mask.shape[0] : step]
    linear = np.linalg.inv(matrix[:, :2])
    at = (np.stack([x, y], axis=-1) - matrix[:, 2]) @ linear.T
    within = ((at > -0.5) & (at < (width - 0.5, height - 0.5))).all(axis=-1)
    return float(np.average(within, weights=weight))


def shift(before: npt.ArrayLike, after: npt.ArrayLike) -> float:
    """How far landmarks moved: the mean over the five, in distances of the eyes before.

    Args:
        before, after: 5×2 in the same coordinates.
    """
    a, b = np.asarray(before, np.float64), np.asarray(after, np.float64)
    moved = np.linalg.norm(b - a, axis=1).mean()
    apart = float(np.linalg.norm(a[1] - a[0]))
    return min(FARTHEST, float(moved) / apart) if apart > 0 else FARTHEST
