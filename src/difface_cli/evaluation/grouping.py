"""Results by how their pictures were degraded, as the manifest of `difface degrade` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from difface_cli.base.errors import UsageError
from difface_cli.degradations.sets import manifest
from difface_cli.degradations.sets.manifest import Entry

ALIASES = {"sf": "scale", "blur": "sigma_x", "jpeg": "quality"}
MOST = 12  # values that stand for themselves; more numbers are put in classes
CLASSES = 5
Label = tuple[float | str, str]
"""Where a group stands among the others, and what it is called."""


def labels(path: Path, by: str, stems: Iterable[str]) -> Mapping[str, Label]:
    """Stem → its group.

    Args:
        path: the manifest.
        by: a key of it such as scale, noise, quality, mask; sf, blur and jpeg are other names.

    Raises:
        UsageError: when the manifest cannot be read, knows no such key, or none of the pictures.
    """
    key = ALIASES.get(by, by)
    known: dict[str, Any] = {}
    for entry in manifest.load(path).values():
        told = _told(entry)
        if key not in told:
            raise UsageError(
                f"{path} tells nothing called {by!r}.", f"Group by one of: {', '.join(told)}."
            )
        known |= dict.fromkeys(_stems(entry), told[key])
    values = {stem: known[stem] for stem in stems if stem in known}
    if not values:
        raise UsageError(
            f"{path} tells of none of these pictures.",
            "Give the manifest of the degraded pictures with --manifest.",
        )
    return _labelled(values)


def _told(entry: Entry) -> dict[str, Any]:
    """What may be grouped by."""
    done = entry.treatment
    eq17 = asdict(done.degradation) if done.degradation else {}
    age = {name: value for name, value in asdict(done.age).items() if name != "seed"}
    kept = ("scale", "sigma_x", "sigma_y", "noise", "quality", "gray", "resample")
    return (
        {name: eq17.get(name) for name in kept} | age | {"mask": done.mask, "recipe": done.recipe}
    )


def _stems(entry: Entry) -> set[str]:
    """The names that results of this picture may have, without suffix."""
    names = [PurePosixPath(name) for name in (entry.file, *entry.outputs.values())]
    below = [PurePosixPath(*name.parts[1:]) for name in names if len(name.parts) > 1]
    flat = [PurePosixPath(name.name) for name in names]
    return {str(name.with_suffix("")) for name in (*names, *below, *flat)}


def _labelled(values: Mapping[str, Any]) -> dict[str, Label]:
    numbers = [value for value in values.values() if _number(value)]
    edges = None
    if len(set(numbers)) > MOST:
        edges = np.quantile(numbers, np.linspace(0, 1, CLASSES + 1))
    return {stem: _label(value, edges) for stem, value in values.items()}


def _label(value: Any, edges: Any) -> Label:
    if not _number(value):
        return str(value), "none" if value is None else str(value)
    if edges is None:
        return float(value), f"{value:g}"
    place = int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, CLASSES - 1))
    low, high = edges[place], edges[place + 1]
    return float((low + high) / 2), f"{low:.3g} to {high:.3g}"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
