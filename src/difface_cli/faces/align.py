"""From a photo to an upright face: the similarity to the FFHQ template, and the crop."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from difface_cli.base.errors import FaceError
from difface_cli.faces.resample import (
    Array,
    Floats,
    Matrix,
    apply,
    compose,
    resizing,
    shrink,
    translation,
    warp,
    white,
)

FFHQ_TEMPLATE_512: Matrix = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
"""Where eyes, nose and mouth corners lie in an aligned face of 512×512, as published."""
FFHQ_TEMPLATE_512.flags.writeable = False

SMALLEST_SPREAD = 1e-3
REACH = 5  # pixels that Lanczos looks around itself, and one for rounding


def similarity(landmarks: npt.ArrayLike, size: int) -> Matrix:
    """The rotation, scale and shift that take five landmarks nearest to the template.

    The least-squares solution, without reflection (Umeyama 1991). As complex numbers the
    landmarks z go to a·z + b, and the best a is Σ z̄·w / Σ |z|² over centred z and template w.

    Args:
        landmarks: 5×2, photo pixels.
        size: side of the aligned face.

    Returns:
        2×3, from photo to aligned coordinates.

    Raises:
        FaceError: when the landmarks are not finite, in one place, or turned so that no
            similarity brings them nearer to a face.
    """
    points = np.asarray(landmarks, np.float64)
    if not np.isfinite(points).all():
        raise FaceError("A face's landmarks are no numbers.", "Leave it out with --faces.")
    z = points[:, 0] + 1j * points[:, 1]
    template = apply(resizing((512, 512), (size, size)), FFHQ_TEMPLATE_512)
    w = template[:, 0] + 1j * template[:, 1]
    centred, spread = z - z.mean(), float(np.var(z))
    if spread < SMALLEST_SPREAD**2:
        raise FaceError("A face's landmarks lie in one place.", "Leave it out with --faces.")
    a = np.mean(centred.conj() * (w - w.mean())) / spread
    if abs(a) * math.sqrt(spread) < SMALLEST_SPREAD * size:
        raise FaceError("A face's landmarks form no face.", "Leave it out with --faces.")
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def invert(matrix: Matrix) -> Matrix:
    """The matrix that undoes `matrix`."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def face_scale(matrix: Matrix) -> float:
    """Pixels of the aligned face for one of the photo, along a side."""
    return math.sqrt(abs(np.linalg.det(matrix[:, :2])))


def scale_matrix(matrix: Matrix, factor: float) -> Matrix:
    """`matrix` for the photo resized by `factor`: from the resized photo to the same face."""
    back = 1 / factor
    shift = (back - 1) / 2
    return compose(matrix, np.array([[back, 0.0, shift], [0.0, back, shift]]))


def crop(pixels: Array, matrix: Matrix, size: int) -> Floats:
    """Cut an aligned face out of a photo.

    Where the face has more pixels than the crop, areas are averaged first, so that fine patterns
    do not alias. Beyond the photo's edge the photo is mirrored, as in the FFHQ pictures that the
    networks were trained on; the constant grey of the published code reads as a grey object.

    Args:
        pixels: h×w×3 or h×w×1, uint8 or uint16. Only the face's region is read.
        matrix: from photo to aligned coordinates.
        size: side of the result.

    Returns:
        size×size×3 float32 RGB in [0, 1]; grey is repeated.
    """
    inverse = invert(matrix)
    scale = face_scale(matrix)
    x0, y0, x1, y1 = _region(pixels.shape, inverse, size, REACH / min(1.0, scale))
    part = pixels[y0:y1, x0:x1]
    small = shrink(part, scale)
    lookup = compose(resizing(part.shape, small.shape), compose(translation(-x0, -y0), inverse))
    face = warp(small.astype(np.float32) / np.float32(white(pixels)), lookup, size, size)
    return np.repeat(face, 3, axis=2).clip(0, 1) if face.shape[2] == 1 else face.clip(0, 1)


def _region(
    shape: tuple[int, ...], inverse: Matrix, size: int, margin: float
) -> tuple[int, int, int, int]:
    """The part of a photo that a crop reads, with what it mirrors in from the edges."""
    last = size - 1
    corners = apply(inverse, np.array([[0, 0], [last, 0], [0, last], [last, last]]))
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin + 1
    spans = [
        (max(0, min(math.floor(lo), math.floor(2 * n - hi))), min(n, math.ceil(max(hi, -lo))))
        for lo, hi, n in zip(low, high, (shape[1], shape[0]), strict=True)
    ]
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]
