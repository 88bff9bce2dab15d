"""How fast the networks of a model run here."""

from __future__ import annotations

from difface_cli.bench.timing import (
    ESTIMATOR,
    GIGA,
    PRIOR,
    Call,
    Clock,
    Timing,
    Way,
    a_face,
    count_flop,
    matrix_peak,
    measure,
    prepare,
)

__all__ = [
    "ESTIMATOR",
    "GIGA",
    "PRIOR",
    "Call",
    "Clock",
    "Timing",
    "Way",
    "a_face",
    "count_flop",
    "matrix_peak",
    "measure",
    "prepare",
]
