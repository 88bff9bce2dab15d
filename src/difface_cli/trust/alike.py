"""What a recognition distance says of a restored face, and what it cannot say.

The face that was found is degraded, and to dlib's network a degraded face is far from everybody,
its own person too. So a distance means something only beside what the true face, and a stranger's,
would have to so degraded a photo. `python benchmarks/gate.py` measures both; docs/trust.md has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from difface_cli.faces.identity import SAME_PERSON

SEVERITIES = (0.6, 1.2, 2.0, 3.1, 4.8, 8.1, 12.4)
"""`Severity.total`, pixels at 512, for which the next two hold, and lines between them."""
SAME = (0.23, 0.23, 0.34, 0.45, 0.62, 0.70, 0.73)
"""Below this lie nine in ten of the distances of a face found to the same person's true face."""
STRANGER = (0.70, 0.69, 0.69, 0.68, 0.65, 0.66, 0.65)
"""Above this lie nine in ten of its distances to somebody else's."""


@dataclass(frozen=True)
class Alike:
    """How far a drawn face is from the face found, to dlib's recognition network.

    Attributes:
        distance: of the face drawn, from 0.
        estimate: of the estimate that it was drawn from.
        told: the same in words.
    """

    distance: float
    estimate: float
    told: str


def told(distance: float, severity: float) -> str:
    """The distance in words.

    Args:
        distance: of the face drawn to the face found.
        severity: how degraded the face found is, `Severity.total`.
    """
    same, stranger = (float(np.interp(severity, SEVERITIES, ends)) for ends in (SAME, STRANGER))
    if same >= stranger:
        return "too degraded to tell"
    if distance < min(SAME_PERSON, stranger):
        return "as alike as two photos of one person"
    if distance < same:
        return "as alike as so degraded a photo can be"
    if distance < stranger:
        return "less alike than the true face would be"
    return "no more alike than two strangers"
