"""What a report shows of how far each face can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable

from difface_cli import report
from difface_cli.report import grids
from difface_cli.report.exhibits import shared
from difface_cli.tasks import Crops, Found
from difface_cli.trust.measures import RESIDUAL_GAIN, Trust

TOP_VARIATION = 32.0 / 255  # drawn brightest, as in a sweep's pictures
NOTE = (
    "Fit: the face drawn, degraded again, against the photo; a small one says that something was "
    "drawn that the photo contradicts. Blur: of the photo against what was drawn. Moved: eyes, "
    "nose and mouth, in per cent of the distance of the eyes. What the seeds draw differently, "
    "the photo did not say."
)
LABELS = {
    "degraded": "Degraded again",
    "residual": f"Residual ×{RESIDUAL_GAIN:g}",
    "variation": "Variation",
}
COLUMNS = ("Face", "Fit", "Blur", "Moved", "Sharpness", "Seeds differ", "Likeness", "Decision")


def table(faces: Iterable[Found]) -> report.Table | None:
    """The measures of every face that was drawn; None where none was."""
    rows = tuple(_row(found, found.trust) for found in faces if found.trust is not None)
    return report.Table("Measured within each face's oval", COLUMNS, rows) if rows else None


def pictures(crops: Crops, trust: Trust) -> dict[str, grids.Floats]:
    """Pictures that tell of one face's trust, by a key of `LABELS`, s×s×3 in [0, 1]."""
    consistency = trust.consistency
    made = {"degraded": consistency.degraded, "residual": consistency.residual(crops.original)}
    if trust.deviation is not None:
        made["variation"] = grids.heat(trust.deviation, TOP_VARIATION)
    return made


def _row(found: Found, trust: Trust) -> tuple[str | report.Link, ...]:
    name = str(found.index)
    before, after = trust.sharpness
    varied = "—" if trust.variation is None else f"{trust.variation:.1f} levels"
    decision = f"left alone: {found.skipped}" if found.skipped else "restored"
    return (
        name if found.skipped else report.Link(name, shared.anchor(found.index)),
        f"{trust.consistency.psnr:.1f} dB",
        f"{trust.consistency.severity.width:.1f} px of 512",
        moved(trust.shift),
        f"{before:.1f} → {after:.1f}",
        varied,
        _likeness(trust),
        f"{decision}, though {found.doubt}" if found.doubt else decision,
    )


def _likeness(trust: Trust) -> str:
    told = [f"{trust.identity:.2f}"] if trust.identity is not None else []
    if trust.alike is not None:
        told.append(f"{trust.alike.told} ({trust.alike.distance:.2f} apart)")
    return "; ".join(told) or "—"


def moved(shift: float | None) -> str:
    """A landmark shift, as people read it."""
    if shift is None:
        return "—"
    return "no face found" if math.isinf(shift) else f"{shift:.0%}"
