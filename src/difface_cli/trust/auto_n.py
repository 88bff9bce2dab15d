"""How far a face's chain starts from its end, by how degraded the face is: `--n auto`.

A face that lost little is drawn best from a small N, which keeps what the estimator saw; the more
was lost, the more there is to draw, and the larger the N. `python benchmarks/auto_n.py` measures
what the rule follows from; what it printed is in docs/n-auto.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from difface_cli.faces import paste
from difface_cli.trust import severity

Floats = npt.NDArray[np.float32]

MILD, HEAVY = 2.0, 11.0
"""`Severity.width`, pixels at 512: up to the first N is LEAST, from the second on MOST."""
LEAST, MOST = 50, 450


@dataclass(frozen=True)
class Start:
    """Where one face's chain starts.

    Attributes:
        n: the timestep N.
        width: what it follows from: how blurred the face is against its estimate, see
            `Severity.width`.
    """

    n: int
    width: float


def start(face: Floats, estimate: Floats, max_n: int) -> Start:
    """Choose N for a face.

    Args:
        face: as it was found, s×s×3 in [0, 1].
        estimate: what the estimator made of it, s×s×3 in [0, 1].
        max_n: the largest N the prior was trained for.
    """
    width = severity.fit(face, estimate, paste.face_mask(face.shape[0])).width
    return Start(min(n_of(width), max_n), width)


def n_of(width: float) -> int:
    """The rule: N grows in a line from LEAST at MILD to MOST at HEAVY."""
    return round(float(np.interp(width, (MILD, HEAVY), (LEAST, MOST))))
