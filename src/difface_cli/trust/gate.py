"""Do no harm: which faces are left alone, because restoring them would lose.

All thresholds are here. `python benchmarks/gate.py` measures what they follow from; what it
printed is in docs/trust.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from difface_cli.trust.severity import Severity


ON, OFF, FORCE = "on", "off", "force"
MODES = (ON, OFF, FORCE)
SMALLEST = 16.0
"""Width of a face, pixels; narrower ones are left alone unless --min-face says otherwise."""


@dataclass(frozen=True)
class Limits:
    """Where restoring begins to lose.

    Attributes:
        severity: of the face against its estimate, `Severity.total` in pixels at 512: below it
            the estimate, and what is drawn from it, come no nearer to the truth than the photo.
        size: the same for a face that is small in the result, as a multiple of what its size alone
            takes from it: below it the photo is as sharp as so few pixels can be.
        turn: of the head, see `faces.pose.turn`.
        inside: share of the face that must lie in the photo.
        shift: of the landmarks by restoring, in distances of the eyes.
        variation: of the samples of `--trust`, in grey levels of 255.
    """

    severity: float = 1.5
    size: float = 1.2
    turn: float = 0.5
    inside: float = 0.5
    shift: float = 0.3
    variation: float = 20.0


LIMITS = Limits()


def before(turn: float, inside: float, limits: Limits = LIMITS) -> str:
    """Why a face is left alone before anything is drawn; empty where nothing speaks against it.

    Args:
        turn, inside: as in `Limits`.
    """
    if turn > limits.turn:
        return (
            f"turned to the side: the nose lies {turn:.0%} of the eyes' distance off the middle, "
            f"more than {limits.turn:.0%}"
        )
    if inside < limits.inside:
        return f"only {inside:.0%} of it inside the picture, less than {limits.inside:.0%}"
    return ""


def estimated(severity: Severity, side: float, limits: Limits = LIMITS) -> str:
    """Why a face is left alone once it is estimated; empty where nothing speaks against it.

    Args:
        severity: of the face against its estimate, see `trust.auto_n.start`.
        side: of the face's aligned square in the result, pixels.
    """
    from difface_cli.trust.severity import of_size  # not for commands that only ask for a limit

    found = f"blurred by {severity.width:.1f} px of 512, noise of {severity.noise:.1f} levels"
    if severity.total < limits.severity:
        return f"already as good as what the model draws: {found}"
    if severity.total < limits.size * of_size(side):
        return f"already as sharp as {side:.0f} pixels can be without --upscale: {found}"
    return ""


def after(shift: float | None, variation: float | None, limits: Limits = LIMITS) -> str:
    """Why what was drawn is not taken; empty where nothing speaks against it.

    Args:
        shift, variation: as in `Limits`; None for what was not measured.
    """
    if shift is not None and shift > limits.shift:
        moved = "no face was found in what was drawn" if shift == float("inf") else ""
        return moved or (
            f"what was drawn moves eyes, nose and mouth by {shift:.0%} of the eyes' distance, "
            f"more than {limits.shift:.0%}"
        )
    if variation is not None and variation > limits.variation:
        return (
            f"the samples differ by {variation:.1f} grey levels, more than {limits.variation:g}: "
            "the photo does not say what to draw"
        )
    return ""
