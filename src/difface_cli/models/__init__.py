"""From a model's name to networks that are ready to run, on any device."""

from __future__ import annotations

from difface_cli.models.loading import (
    DEVICES,
    DLIB,
    PRECISIONS,
    Parser,
    Ready,
    load,
    load_background,
    load_detector,
    load_estimator,
    load_parser,
    max_n,
    resolve_device,
    resolve_precision,
    with_likeness,
    with_part,
    with_parts,
    with_recognition,
)

__all__ = [
    "DEVICES",
    "DLIB",
    "PRECISIONS",
    "Parser",
    "Ready",
    "load",
    "load_background",
    "load_detector",
    "load_estimator",
    "load_parser",
    "max_n",
    "resolve_device",
    "resolve_precision",
    "with_likeness",
    "with_part",
    "with_parts",
    "with_recognition",
]
