"""How far the landmarks of a face have moved, and the features that its detector sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from difface_cli.base.tensors import to_batch
from difface_cli.faces.detect import FaceDetector
from difface_cli.faces.retinaface import backbone, prepared

Points = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

SIDE = 512  # the paper's pictures: distances are told in their pixels


def landmarks(detector: FaceDetector, rgb: Pixels) -> Points | None:
    """Five landmarks of the largest face, 5×2, in pixels of a picture whose longer side is 512.

    Args:
        rgb: h×w×3.

    Returns:
        None where no face is found.
    """
    faces = detector(rgb)
    return faces[0].landmarks * (SIDE / max(rgb.shape[:2])) if faces else None


def landmark_distance(a: Points, b: Points) -> float:
    """LMD: the mean distance of corresponding landmarks, in their unit."""
    return float(np.linalg.norm(a - b, axis=1).mean())


def detector_features(detector: FaceDetector, rgb: Pixels) -> npt.NDArray[np.float32]:
    """What the detector's backbone sees at its deepest layer, averaged over the picture.

    Args:
        rgb: h×w×3.

    Returns:
        as many features as the layer has channels: 256 for MobileNet 0.25.
    """
    with torch.inference_mode():
        deepest = backbone(detector.network, prepared(to_batch([rgb], detector.device)))[-1]
    return np.asarray(deepest.mean((2, 3))[0].float().cpu().numpy())
