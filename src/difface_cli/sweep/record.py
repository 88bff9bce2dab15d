"""A sweep as data: sweep.json for programs, cells.csv for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from difface_cli import __version__
from difface_cli.models import Ready
from difface_cli.records import record as records
from difface_cli.sweep import AXES, MEASURES, Plan
from difface_cli.sweep.folder import Stored
from difface_cli.sweep.pictures import Layout, Swept, Variation
from difface_cli.tasks import Found, Restore
from difface_cli.tasks.options import Options
from difface_cli.weights.registry import Model

NOT_SHARED = {*AXES, "samples", "strength", "upscale", "keep_detail", "grain", "choose", "auto_n"}


def head(
    plan: Plan, where: Layout, ready: Ready, options: Options, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """What holds for all faces.

    Args:
        hashes: of all weights, those of every estimator among them.
    """
    settings = records.settings(ready, options)
    return {
        "notice": Restore.notice,
        "difface": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {
            "name": ready.model.name,
            "parts": dict(ready.model.parts),
            "weights": dict(hashes),
            "image_size": ready.model.image_size,
        },
        "settings": {key: value for key, value in settings.items() if key not in NOT_SHARED},
        "axes": {axis: list(plan.values(axis)) for axis in AXES},
        "rows": list(where.rows),
        "cols": list(where.columns),
        "measures": dict(MEASURES),
        "versions": dict(records.versions()),
    }


def face(
    found: Found,
    swept: Swept,
    varied: Sequence[Variation],
    model: Model,
    files: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """One face: where it is, its pictures, and all its cells.

    Args:
        files: role → name of the face's pictures.
        folder: of the sweep; files are named from there.
    """
    where = records.face(found)
    return {
        "index": found.index,
        "box": where["box"],
        "landmarks": where["landmarks"],
        "score": where["score"],
        **files,
        "metrics": {
            name: _rounded(measured)
            for name, measured in swept.metrics.items()
            if isinstance(name, str)
        },
        "cells": [_cell(stored, swept, folder) for stored in swept.cells],
        "variation": _variation(varied, model, files.get("variation_picture"), folder),
    }


def table(faces: Sequence[Mapping[str, Any]]) -> bytes:
    """All cells of all faces as CSV, a line each."""
    rows = [
        {"face": face["index"], **{k: v for k, v in cell.items() if k != "metrics"}}
        | cell["metrics"]
        for face in faces
        for cell in face["cells"]
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _cell(stored: Stored, swept: Swept, folder: Path) -> dict[str, Any]:
    return {
        **asdict(stored.cell),
        "seconds": round(stored.seconds, 3),
        "metrics": _rounded(swept.metrics[stored.cell]),
        "file": stored.picture.relative_to(folder).as_posix(),
        "data": stored.data.relative_to(folder).as_posix(),
    }


def _variation(
    varied: Sequence[Variation], model: Model, picture: str | None, folder: Path
) -> dict[str, Any] | None:
    """The variation at each choice of settings, and at the one nearest to the model's own."""
    if not varied:
        return None
    groups = [
        {
            **variation.values,
            "mean": variation.mean.relative_to(folder).as_posix(),
            "map": variation.map.relative_to(folder).as_posix(),
            "number": round(variation.level, 3),
        }
        for variation in varied
    ]
    nearest = min(groups, key=lambda g: (abs(g["n"] - model.n), abs(g["eta"] - model.eta)))
    return {"picture": picture, **nearest, "groups": groups}


def _rounded(measured: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in measured.items()}
