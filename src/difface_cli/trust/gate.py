"""Do no harm: which faces are left alone, because restoring them would lose.

All thresholds are here. `python benchmarks/trust.py` measures what they follow from; what it
printed is in docs/trust.md.
"""

from __future__ import annotations

from dataclasses import dataclass

ON, OFF, FORCE = "on", "off", "force"
MODES = (ON, OFF, FORCE)
SMALLEST = 16.0
"""Width of a face, pixels; narrower ones are left alone unless --min-face says otherwise."""


@dataclass(frozen=True)
class Limits:
    """Where restoring begins to lose.

    Attributes:
        blur: `Severity.width` of the face against what was drawn, pixels at 512: below it the
            photo is as sharp as the model draws.
        estimate: of the face against its estimate: below it, the chain need not be run to know
            that the photo is sharp. Of 90 training faces degraded by anything, the starter took
            each below 2 further from the truth, by 3.9 dB on average.
        turn: of the head, see `faces.pose.turn`.
        inside: share of the face that must lie in the photo.
        shift: of the landmarks by restoring, in distances of the eyes.
        variation: of the samples of `--trust`, in grey levels of 255.
    """

    blur: float = 4.4
    estimate: float = 2.0
    turn: float = 0.5
    inside: float = 0.5
    shift: float = 0.3
    variation: float = 14.0


LIMITS = Limits()
OF_AUTO_N = Limits(blur=3.0, variation=20.0)
"""With an N of its own a face gains by restoring from a smaller blur on, see docs/n-auto.md; the
worst faces start from a larger N, and their samples differ more."""


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


def estimated(blur: float, limits: Limits = OF_AUTO_N) -> str:
    """Why a face is left alone once it is estimated; empty where nothing speaks against it.

    Args:
        blur: of the face against its estimate, see `trust.auto_n.start`. An estimate is never
            sharper than what is drawn from it, so that the blur found after drawing is larger.
    """
    return _sharp(blur) if blur < limits.estimate else ""


def after(
    blur: float, shift: float | None, variation: float | None, limits: Limits = LIMITS
) -> str:
    """Why what was drawn is not taken; empty where nothing speaks against it.

    Args:
        blur, shift, variation: as in `Limits`; None for what was not measured.
    """
    if blur < limits.blur:
        return _sharp(blur)
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


def _sharp(blur: float) -> str:
    return f"already as sharp as what the model draws: blurred by {blur:.1f} px of 512"
