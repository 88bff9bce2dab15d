"""How far a face's chain starts from its end, by how degraded the face is: `--n auto`.

A face that lost little is drawn best from a small N, which keeps what the estimator saw; the more
was lost, the more there is to draw, and the larger the N. `python benchmarks/gate.py` measures
what the rule follows from; what it printed is in docs/trust.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from difface_cli.faces import paste
from difface_cli.method.difface import Settings
from difface_cli.trust import severity
from difface_cli.trust.severity import Severity

Floats = npt.NDArray[np.float32]

MILD, HEAVY = 1.5, 8.0
"""`Severity.total`, pixels at 512: up to the first, N is LEAST of the model's own; from the second
on it is all of that."""
LEAST = 0.08
FEWEST_STEPS = 5  # of a chain that starts from a small N of its own


@dataclass(frozen=True)
class Start:
    """Where one face's chain starts.

    Attributes:
        n: the timestep N.
        severity: what it follows from: how degraded the face is against its estimate.
    """

    n: int
    severity: Severity


def start(face: Floats, estimate: Floats, most: int) -> Start:
    """Choose N for a face.

    Args:
        face: as it was found, s×s×3 in [0, 1].
        estimate: what the estimator made of it, s×s×3 in [0, 1].
        most: the N of the most degraded faces.
    """
    fitted = severity.fit(face, estimate, paste.face_mask(face.shape[0]))
    return Start(n_of(fitted.total, most), fitted)


def n_of(total: float, most: int) -> int:
    """The rule: N grows in a line from a share of `most` at MILD to all of it at HEAVY."""
    return max(1, round(most * float(np.interp(total, (MILD, HEAVY), (LEAST, 1)))))


def shortened(asked: Settings, n: int) -> Settings:
    """The settings with another N, and the stride that was asked for.

    So a face that starts from a small N takes fewer calls, and loses nothing by it.
    """
    steps = max(round(asked.steps * n / asked.n), min(FEWEST_STEPS, asked.steps))
    return replace(asked, n=n, steps=min(steps, asked.steps, n))
