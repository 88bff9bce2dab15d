"""How far a restored face can be trusted: what it shares with the photo, and what was invented."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from difface_cli.base.luma import without_colour
from difface_cli.base.tensors import to_batch, to_picture
from difface_cli.degradations import Degradation
from difface_cli.faces import paste, pose
from difface_cli.faces.detect import Face
from difface_cli.metrics.fidelity import psnr
from difface_cli.metrics.sharpness import sharpness
from difface_cli.metrics.spread import Spread
from difface_cli.trust import severity
from difface_cli.trust.alike import Alike, told
from difface_cli.trust.severity import Severity

Floats = npt.NDArray[np.float32]
Landmarks = npt.NDArray[np.float64]
Distance = Callable[[Floats, Floats], float]  # of two aligned faces, to a recognition network
Likeness = Callable[[Floats, Floats], float]  # of a face found and a face drawn, -1 to 1


class Detector(Protocol):
    """What finds a face again; see `faces.detect.FaceDetector`."""

    def again(self, rgb: npt.NDArray[np.uint8], landmarks: Landmarks) -> Face | None:
        """The face that has about these landmarks; None where there is none."""
        ...


QUALITIES = (None, 90, 70, 50, 30)  # of the JPEG that is tried
RESIDUAL_GAIN = 4.0  # what a residual picture is multiplied by, about a middle grey


@dataclass(frozen=True, eq=False)
class Consistency:
    """The restored face degraded again, as nearly as eq. 17 can to what was found.

    Attributes:
        severity: blur, scale and noise that fit best.
        quality: of the JPEG that fits best; None for no JPEG.
        degraded: the restored face by these, without noise, s×s×3 in [0, 1].
        psnr: of that to the face as found, dB; noise in the photo counts against it.
    """

    severity: Severity
    quality: int | None
    degraded: Floats
    psnr: float

    def residual(self, face: Floats) -> Floats:
        """What the restored face does not explain of the face found, about 0.5, four-fold."""
        return (0.5 + RESIDUAL_GAIN * (face - self.degraded)).clip(0, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Trust:
    """What was measured of one restored face, all within the face's soft oval.

    Attributes:
        consistency: with the photo.
        sharpness: before and after, see `metrics.sharpness`.
        shift: of the landmarks, in distances of the eyes; infinite where no face is found in
            what was drawn, None where nobody looked.
        samples: how many were drawn.
        variation: of the samples, in grey levels of 255; None for a single one.
        deviation: of each pixel over the samples, s×s in [0, 1]; None for a single one.
        identity: cosine of the angle between the face network's answers for the face found and
            the face drawn, -1 to 1; None where there is no such network.
        alike: how far the face drawn is from the face found to dlib's network; None where that is
            not installed.
    """

    consistency: Consistency
    sharpness: tuple[float, float]
    shift: float | None
    samples: int
    variation: float | None
    deviation: Floats | None
    identity: float | None = None
    alike: Alike | None = None


def measure(
    face: Floats,
    samples: Sequence[Floats],
    landmarks: Landmarks,
    detector: Detector | None,
    gray: bool = False,
    likeness: Likeness | None = None,
    estimate: Floats | None = None,
    distance: Distance | None = None,
) -> Trust:
    """Measure a restored face.

    Args:
        face: as it was found, s×s×3 in [0, 1].
        samples: as it was drawn, one a seed; all but the variation is told of the first.
        landmarks: of the face found, 5×2 in its own pixels.
        detector: looks for the landmarks of the face drawn; None for no such look.
        gray: whether the faces drawn lose their colour.
        likeness: tells how alike two faces are; None where no network was fetched for it.
        estimate: that the samples were drawn from, s×s×3 in [0, 1], for `distance`.
        distance: tells how far two faces are from each other; None where that is not installed.
    """
    weight = paste.face_mask(face.shape[0])
    if gray:
        face, samples = without_colour(face), [without_colour(sample) for sample in samples]
    shown = paste.match_colour_at_border(samples[0], face, weight)
    spread = Spread()
    for sample in samples:
        spread.add(sample)
    several = len(samples) > 1
    consistent = consistency(face, shown, weight)
    alike = None
    if distance is not None and estimate is not None:
        far = distance(face, shown)
        words = told(far, consistent.severity.total)
        alike = Alike(far, distance(face, estimate), words)
    return Trust(
        consistency=consistent,
        sharpness=(sharpness(face, weight), sharpness(shown, weight)),
        shift=None if detector is None else landmark_shift(shown, landmarks, detector),
        samples=len(samples),
        variation=spread.level(weight) if several else None,
        deviation=spread.deviation if several else None,
        identity=None if likeness is None else likeness(face, shown),
        alike=alike,
    )


def consistency(face: Floats, restored: Floats, weight: Floats) -> Consistency:
    """Degrade a restored face so that it comes nearest to the face found.

    Args:
        face, restored: s×s×3 in [0, 1].
        weight: s×s in [0, 1], how much each pixel counts; fades to 0 at the border.
    """
    fitted = severity.fit(face, restored, weight)
    x = to_batch([restored])[0]
    best: Consistency | None = None
    for quality in QUALITIES:
        again = Degradation(fitted.blur, fitted.blur, 0, fitted.scale, 0, quality)(x)
        degraded = to_picture(again)
        tried = Consistency(fitted, quality, degraded, psnr(degraded, face, weight))
        if best is None or tried.psnr > best.psnr:
            best = tried
    assert best is not None
    return best


def landmark_shift(restored: Floats, landmarks: Landmarks, detector: Detector) -> float:
    """How far the detector sees eyes, nose and mouth move, in distances of the eyes.

    Args:
        restored: s×s×3 in [0, 1].
        landmarks: before, 5×2 in pixels of `restored`.

    Returns:
        The mean over the five; infinite where no face is found.
    """
    found = detector.again((restored.clip(0, 1) * 255).round().astype(np.uint8), landmarks)
    return math.inf if found is None else pose.shift(landmarks, found.landmarks)
