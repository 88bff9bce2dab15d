"""Faces that a user points at where no detector sees one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from difface_cli.faces.align import FFHQ_TEMPLATE_512, face_scale, invert, similarity
from difface_cli.faces.detect import Face
from difface_cli.faces.resample import apply

# A detector's box in the aligned square, measured on portraits: its sides, and how far its centre
# lies below the square's.
BOX = (0.53, 0.72)
BELOW = 0.053


def face_in_box(x: float, y: float, width: float, height: float) -> Face:
    """An upright face that looks at the camera, in a box from brow to chin, photo pixels."""
    side = (width / BOX[0] + height / BOX[1]) / 2
    corner = np.array([x + width / 2, y + height / 2 - BELOW * side]) - side / 2
    landmarks = corner + (FFHQ_TEMPLATE_512 + 0.5) * side / 512 - 0.5
    return Face((x, y, x + width, y + height), landmarks, 1.0)


def face_at(landmarks: npt.ArrayLike) -> Face:
    """A face with these landmarks, 5×2 in the order of `Face`, photo pixels.

    Raises:
        FaceError: for landmarks that form no face.
    """
    points = np.asarray(landmarks, np.float64)
    back = invert(similarity(points, 512))
    middle = apply(back, np.array([255.5, 255.5 + 512 * BELOW]))
    half = face_scale(back) * 256 * np.array(BOX)
    (x0, y0), (x1, y1) = (middle - half).tolist(), (middle + half).tolist()
    return Face((x0, y0, x1, y1), points, 1.0)
