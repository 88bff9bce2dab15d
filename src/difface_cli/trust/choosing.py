"""Which of several restorations of a face is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from difface_cli.faces import paste
from difface_cli.metrics.sharpness import sharpness
from difface_cli.trust import measures
from difface_cli.trust.measures import Likeness

Floats = npt.NDArray[np.float32]

MEASURES = CONSISTENCY, SHARPNESS, IDENTITY = "consistency", "sharpness", "identity"
"""What a sample can be chosen by."""


@dataclass(frozen=True)
class Choice:
    """The sample that was kept, and why.

    Attributes:
        sample: its number, 0 the first.
        by: one of `MEASURES`.
        scores: of all samples, the larger the better.
    """

    sample: int
    by: str
    scores: tuple[float, ...]


def choose(
    face: Floats, samples: Sequence[Floats], by: str, likeness: Likeness | None = None
) -> Choice:
    """The sample with the largest score; of equals the first.

    Args:
        face: as it was found, s×s×3 in [0, 1].
        samples: as it was drawn, each s×s×3 in [0, 1].
        by: "consistency" (PSNR to the face found after degrading the sample as eq. 17 fits best),
            "sharpness" (high-frequency energy) or "identity" (likeness to the person).
        likeness: what tells identity.

    Raises:
        ValueError: for identity without a likeness, or no sample.
    """
    if by == IDENTITY and likeness is None:
        raise ValueError("nobody here can tell identity")
    scores = tuple(_score(face, sample, by, likeness) for sample in samples)
    return Choice(max(range(len(scores)), key=scores.__getitem__), by, scores)


def _score(face: Floats, sample: Floats, by: str, likeness: Likeness | None) -> float:
    weight = paste.face_mask(face.shape[0])
    if by == IDENTITY and likeness is not None:
        return likeness(face, sample)
    if by == SHARPNESS:
        return sharpness(sample, weight)
    shown = paste.match_colour_at_border(sample, face, weight)
    return measures.consistency(face, shown, weight).psnr
