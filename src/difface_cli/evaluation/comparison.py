"""Several folders of results, measured, grouped and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from difface_cli.evaluation import summary
from difface_cli.evaluation.cache import Cache, Vector
from difface_cli.evaluation.catalogue import FEATURE_SCALE, SET, SINGLE, Measure
from difface_cli.evaluation.grouping import Label
from difface_cli.evaluation.measurement import Instruments, Keyed
from difface_cli.evaluation.summary import Difference, Summary
from difface_cli.evaluation.tables import Line, Report
from difface_cli.metrics import frechet, landmarks
from difface_cli.metrics.frechet import Gaussian

FOUND = "found"
Values = Mapping[str, Mapping[str, float | None]]  # stem → measure's name → value


@dataclass(frozen=True)
class Task:
    """What is to be told of pairs that are measured.

    Attributes:
        measures: those that can be computed.
        dataset: features' name → Gaussian of a dataset, of FD-F and FID-F.
        groups: stem → its group; empty for none.
        paired: whether folders are tested against the first.
    """

    measures: tuple[Measure, ...]
    instruments: Instruments
    cache: Cache
    dataset: Mapping[str, Gaussian] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Label] = field(default_factory=lambda: MappingProxyType({}))
    paired: bool = False
    seed: int = 0


def report(
    task: Task,
    folders: Mapping[str, Sequence[Keyed]],
    missing: Mapping[str, str],
    about: Mapping[str, Any],
) -> Report:
    """Everything about folders of results by name, the first being what others are held against."""
    each = {
        name: {k.pair.stem: values_of(task, k) for k in pairs} for name, pairs in folders.items()
    }
    lines: list[Line] = []
    first: dict[str, Values] = {}
    for name, pairs in folders.items():
        for label, members in _groups(task, pairs):
            values = {k.pair.stem: each[name][k.pair.stem] for k in members}
            against: Mapping[str, Difference] = MappingProxyType({})
            if task.paired:
                against = _against(task, first.setdefault(label[1], values), values)
            at = label[0] if isinstance(label[0], float) else None
            summaries = _summaries(task, values) | _sets(task, members)
            lines.append(Line(name, label[1], len(members), summaries, at, against))
    return Report(task.measures, tuple(lines), each, missing, about)


def values_of(task: Task, keyed: Keyed) -> dict[str, float | None]:
    """The values of a pair, by measure; of sets there are none."""
    return {m.name: _value(task, keyed, m) for m in task.measures if m.of != SET}


def _value(task: Task, keyed: Keyed, measure: Measure) -> float | None:
    if measure.name in DERIVED:
        source, derive = DERIVED[measure.name]
        a = _vector(task, keyed.restored, source)
        b = _vector(task, keyed.reference, source)
        return None if a is None or b is None else derive(a, b)
    if measure.name == FOUND:
        return float(_vector(task, keyed.restored, "landmarks") is not None)
    if measure.of == SINGLE:
        told = _vector(task, keyed.restored, measure.name)
        return None if told is None else float(told[0])
    return task.cache.number(keyed.both, task.instruments.what(measure.name))[1]


def _vector(task: Task, key: str, name: str) -> Vector | None:
    return task.cache.vector(key, task.instruments.what(name))[1]


def _lmd(a: Vector, b: Vector) -> float:
    return landmarks.landmark_distance(
        a.reshape(-1, 2).astype(np.float64), b.reshape(-1, 2).astype(np.float64)
    )


def angle(a: Vector, b: Vector) -> float:
    """Degrees between two vectors."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    cosine = x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


DERIVED: Mapping[str, tuple[str, Callable[[Vector, Vector], float]]] = MappingProxyType(
    {"lmd": ("landmarks", _lmd), "ids": ("embedding", angle)}
)
"""Measures of a pair that follow from what was kept of each picture."""


def _groups(task: Task, pairs: Sequence[Keyed]) -> Iterator[tuple[Label, Sequence[Keyed]]]:
    """All pairs, then each group of them."""
    yield ("", ""), pairs
    labels = {task.groups[k.pair.stem] for k in pairs if k.pair.stem in task.groups}
    numbers = sorted(label for label in labels if isinstance(label[0], float))
    words = sorted((label for label in labels if not isinstance(label[0], float)), key=str)
    for label in (*numbers, *words):
        yield label, [k for k in pairs if task.groups.get(k.pair.stem) == label]


def _summaries(task: Task, values: Values) -> dict[str, Summary]:
    return {
        m.name: summary.summarise([v[m.name] for v in values.values()], task.seed)
        for m in task.measures
        if m.of != SET
    }


def _against(task: Task, first: Values, values: Values) -> dict[str, Difference]:
    if first is values:
        return {}
    both = [stem for stem in first if stem in values]
    found = {
        m.name: summary.compare(
            [first[stem][m.name] for stem in both], [values[stem][m.name] for stem in both],
            task.seed,
        )
        for m in task.measures
        if m.of != SET
    }  # fmt: skip
    return {name: difference for name, difference in found.items() if difference is not None}


def _sets(task: Task, members: Sequence[Keyed]) -> dict[str, Summary]:
    """The Fréchet distances of a group, where it has two pictures at least."""
    found = {}
    fitted: dict[tuple[str, bool], Gaussian] = {}
    for measure in (m for m in task.measures if m.of == SET):
        if len(members) < 2:
            continue
        other = task.dataset.get(measure.features)
        if measure.against == "references":
            other = _fit(task, fitted, measure.features, members, True)
        if other is None:
            continue
        own = _fit(task, fitted, measure.features, members, False)
        distance = FEATURE_SCALE[measure.features] * frechet.distance(own, other)
        found[measure.name] = Summary(len(members), distance, np.nan, np.nan)
    return found


def _fit(
    task: Task,
    fitted: dict[tuple[str, bool], Gaussian],
    features: str,
    members: Sequence[Keyed],
    references: bool,
) -> Gaussian:
    place = (features, references)
    if place not in fitted:
        keys = (k.reference if references else k.restored for k in members)
        fitted[place] = gaussian(task, features, keys)
    return fitted[place]


def gaussian(task: Task, features: str, keys: Iterable[str]) -> Gaussian:
    """The Gaussian of the pictures with these keys; they come from disk one by one."""
    vectors = (_vector(task, key, features) for key in keys)
    return frechet.fit(vector for vector in vectors if vector is not None)
