"""A face over N, eta, seed and estimator: planned, drawn, measured, shown."""

from __future__ import annotations

from difface_cli.sweep.plan import (
    AXES,
    MEASURES,
    Cell,
    Done,
    Plan,
    check,
    estimate,
    measure,
    reference_crop,
    run,
    shows,
    together,
)

__all__ = [
    "AXES",
    "MEASURES",
    "Cell",
    "Done",
    "Plan",
    "check",
    "estimate",
    "measure",
    "reference_crop",
    "run",
    "shows",
    "together",
]
