"""Faces in a photo of any size: found on bounded copies, then looked at once more each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from difface_cli.base.tensors import to_batch
from difface_cli.faces.align import invert
from difface_cli.faces.boxes import Candidates, suppress
from difface_cli.faces.looks import look_again
from difface_cli.faces.resample import Array, Matrix, resizing, shrink
from difface_cli.faces.retinaface import answer, build_retinaface

__all__ = ["Face", "FaceDetector", "build_retinaface"]

SMALLEST_SIDE = 20  # of a photo; the smallest anchor is 16 pixels
COARSE_SIDE = 400  # a face that fills such a copy is still as large as the largest anchors
MOST_ENLARGED = 4
CANDIDATE = 0.5  # score in the first pass that earns a second look
MOST = 512  # candidates; weights that see faces everywhere must end as well
JOINT, NESTED = 0.4, 0.7

# The detector's box for a face from the front, in distances of the eyes or of eyes and mouth,
# whichever is longer, from the middle of eyes and mouth: means over 40 aligned portraits.
BOX_SIZE = np.array([2.15, 2.88])
BOX_ABOVE = 0.17


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a photo.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels; may reach beyond the photo.
        landmarks: 5×2 float64 in photo pixels: left eye, right eye, nose, left and right corner
            of the mouth, left and right as seen in the picture.
        score: confidence, 0 to 1.
    """

    box: tuple[float, float, float, float]
    landmarks: npt.NDArray[np.float64]
    score: float

    @property
    def width(self) -> float:
        """Photo pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Photo pixels."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, eq=False)
class FaceDetector:
    """Finds the faces of a photo; call it with the photo.

    The first pass searches two copies of the photo: one whose longest side is `detect_size` at
    most, for small faces, and one of 400 pixels, for faces that fill the photo. The second pass
    looks at each face once more, and what is a face at one size only falls below the threshold.

    Attributes:
        network: as `build_retinaface` gives it.
        threshold: score above which something counts as a face.
        detect_size: longest side of the copies, pixels: bounds memory and time.
        second_pass: False keeps what the first pass found.
        finer: a network of the same kind that tells the landmarks of what was found.
    """

    network: nn.Module
    device: torch.device
    threshold: float = 0.8
    detect_size: int = 1280
    second_pass: bool = True
    finer: nn.Module | None = None

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a photo.

        Args:
            rgb: h×w×3 uint8; grey as three equal channels.

        Returns:
            Faces by area, the largest first; those of one area from left to right, then from
            the top. None in a photo with a side under 20 pixels.
        """
        if min(rgb.shape[:2]) < SMALLEST_SIDE:
            return []
        with torch.inference_mode():
            found = self._search(rgb)
            if self.second_pass:
                found = look_again(self.network, self.device, rgb, found)
        found = found.take(found.scores > self.threshold)
        kept = found.take(suppress(found.boxes, found.scores, joint=JOINT, nested=NESTED))
        kept = self._marked(rgb, kept)
        return sorted(_faces(kept), key=lambda f: (-f.width * f.height, f.box[0], f.box[1]))

    def again(self, rgb: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float64]) -> Face | None:
        """Look for the face with these landmarks, without a search, as after it was redrawn.

        Args:
            rgb: h×w×3 uint8.
            landmarks: 5×2, where they should be about.

        Returns:
            The face as it is now; None where there is none.
        """
        sure = np.ones(1)  # that a face was there, so that the looks decide
        expected = Candidates(_box(landmarks)[None], sure, landmarks[None])
        with torch.inference_mode():
            seen = look_again(self.network, self.device, rgb, expected)
        found = seen.take(seen.scores > self.threshold)
        return next(_faces(self._marked(rgb, found)), None)

    def _marked(self, rgb: Array, found: Candidates) -> Candidates:
        """The same with the finer network's landmarks, where there is one and it sees the face."""
        landmarks = found.landmarks.copy()
        if self.finer is not None:
            with torch.inference_mode():
                for i in range(len(found.scores)):
                    for seen in look_again(self.finer, self.device, rgb, found.take([i])).landmarks:
                        landmarks[i] = seen
        return found._replace(landmarks=landmarks)

    def _search(self, rgb: Array) -> Candidates:
        """Everything that could be a face, in photo pixels, once each."""
        floor = min(self.threshold, CANDIDATE) if self.second_pass else self.threshold
        parts = []
        for copy in self._copies(rgb):
            answers = answer(self.network, to_batch([copy], self.device))
            likely = answers.scores[0] > floor
            found = Candidates(*(part[0][likely].double().cpu().numpy() for part in answers))
            parts.append(found.mapped(invert(resizing(rgb.shape, copy.shape))))
        found = Candidates.joined(parts)
        return found.take(suppress(found.boxes, found.scores, joint=JOINT, most=MOST))

    def _copies(self, rgb: Array) -> Iterator[Array]:
        """The photo at the sizes it is searched at, the larger first made."""
        longest = max(rgb.shape[:2])
        fine = min(longest, self.detect_size)
        copy = _resized(rgb, fine)
        yield copy
        coarse = min(COARSE_SIDE, MOST_ENLARGED * longest, self.detect_size)
        if coarse != fine:
            yield _resized(copy, coarse)


def _faces(found: Candidates) -> Iterator[Face]:
    for box, score, landmarks in zip(*found, strict=True):
        x0, y0, x1, y1 = box.tolist()
        yield Face((x0, y0, x1, y1), landmarks, float(score))


def _box(landmarks: Matrix) -> Matrix:
    """About the box that an upright face with these landmarks has."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    unit = max(np.linalg.norm(landmarks[1] - landmarks[0]), np.linalg.norm(mouth - eyes))
    middle = (eyes + mouth) / 2 - (0, BOX_ABOVE * unit)
    return np.concatenate([middle - unit * BOX_SIZE / 2, middle + unit * BOX_SIZE / 2])


def _resized(rgb: Array, longest: int) -> Array:
    """The picture with this longest side."""
    scale = longest / max(rgb.shape[:2])
    if scale <= 1:
        return shrink(rgb, scale)
    height, width = rgb.shape[:2]
    size = (round(width * scale), round(height * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
