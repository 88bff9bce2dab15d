"""An evaluation from what was asked for to its report: checked, matched, measured."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from difface_cli import models
from difface_cli.base import atomic
from difface_cli.base.errors import DifFaceError, OutputError, UsageError, WeightsMissing
from difface_cli.base.progress import Progress
from difface_cli.evaluation import (
    cache,
    catalogue,
    comparison,
    folders,
    grouping,
    measurement,
    networks,
)
from difface_cli.evaluation.catalogue import Measure
from difface_cli.evaluation.comparison import Task
from difface_cli.evaluation.folders import Matched, Pair
from difface_cli.evaluation.measurement import Keyed
from difface_cli.evaluation.networks import Equipped
from difface_cli.evaluation.tables import Report
from difface_cli.images.reading import SUFFIXES
from difface_cli.metrics import frechet
from difface_cli.metrics.frechet import Gaussian
from difface_cli.runs import jobs as outputs
from difface_cli.weights import places, registry

log = logging.getLogger(__name__)

STDOUT = "-"
NAMED = 5  # pictures without a partner that are named
DETECTOR = "starter-detector"


@dataclass(frozen=True)
class Wishes:
    """What the command line says; see `difface evaluate --help`."""

    restored: tuple[Path, ...]
    reference: Path | None
    dataset_stats: Path | None
    masks: Path | None
    measures: tuple[str, ...]
    compare: bool
    by: str | None
    manifest: Path | None
    seed: int
    save_stats: Path | None
    features: str
    models: Path | None
    detector: str | None
    device: str
    workers: int
    cache: bool


def run(
    wishes: Wishes,
    files: Mapping[str, Path],
    complain: Callable[[DifFaceError], None],
    progress: Progress,
    *,
    overwrite: bool,
) -> tuple[Report, bool]:
    """Measure.

    Args:
        files: that the report will be written to, by kind: none of them may be in the way.
        complain: hears of every picture of several that cannot be measured.

    Returns:
        The report, and whether all pictures could be measured.

    Raises:
        DifFaceError: for wishes that contradict each other, and when nothing could be measured.
    """
    _check(wishes, files, overwrite)
    dataset = _dataset(wishes.dataset_stats)
    chosen = _chosen(wishes, dataset)
    matched = {
        name: folders.match(path, wishes.reference, wishes.masks)
        for name, path in _named(wishes.restored).items()
    }
    equipped = _equip(wishes, chosen)
    if not equipped.measures:
        raise WeightsMissing(
            f"Nothing can be computed here of {', '.join(equipped.missing)}.",
            ("" if wishes.measures else "Give --reference for what needs no weights, or: ")
            + "; ".join(dict.fromkeys(equipped.missing.values())),
        )
    groups = _groups(wishes, matched)
    failures = _tell_alone(matched)
    with cache.opened(places.home() / cache.NAME if wishes.cache else None) as values:
        measured, failed = _measure(wishes, matched, equipped, values, complain, progress)
        task = Task(
            equipped.measures, equipped.instruments, values, dataset, groups, wishes.compare,
            wishes.seed,
        )  # fmt: skip
        told = comparison.report(task, measured, equipped.missing, _about(wishes))
        if wishes.save_stats is not None:
            _save_stats(wishes, task, measured)
    return told, not (failed or failures)


def _check(wishes: Wishes, files: Mapping[str, Path], overwrite: bool) -> None:
    """Refuse before any work what cannot be done."""
    if wishes.compare and len(wishes.restored) < 2:
        raise UsageError("--compare needs two folders of results.", "Name the other one as well.")
    if wishes.masks is not None and wishes.reference is None:
        raise UsageError("--mask needs --reference.", "Name the folder of the true pictures.")
    if "plot" in files and wishes.by is None:
        raise UsageError("--plot draws over what --by says.", "Add --by sf, for one.")
    if wishes.features not in catalogue.FEATURE_SCALE:
        raise UsageError(
            f"There are no features {wishes.features!r}.", "Use --features detector or inception."
        )
    if [str(path) for path in files.values()].count(STDOUT) > 1:
        raise UsageError("stdout holds one thing only.", "Name a file for the others.")
    if str(files.get("plot")) == STDOUT:
        raise UsageError("A plot is not written to stdout.", "Name a file.")
    targets = [path for path in files.values() if str(path) != STDOUT]
    targets += [wishes.save_stats] if wishes.save_stats else []
    for path in targets:
        if not overwrite and (path.exists() or path.is_symlink()):
            raise OutputError(f"{path} exists already.", "Add --overwrite, or choose another name.")
        if not path.parent.is_dir():
            raise OutputError(f"There is no folder {path.parent}.", "Make it, or choose another.")
        _refuse_inputs(path, wishes)


def _refuse_inputs(path: Path, wishes: Wishes) -> None:
    given = [*wishes.restored, wishes.reference, wishes.masks]
    read = [place for place in given if place is not None]
    single = [*(p for p in read if p.is_file()), wishes.manifest, wishes.dataset_stats]
    inside = [p for p in read if outputs.real(path).is_relative_to(outputs.real(p))]
    picture = path.suffix.lower() in SUFFIXES and inside
    if picture or any(p is not None and outputs.real(path) == outputs.real(p) for p in single):
        raise OutputError(
            f"{path} would be written over, or among, what is read.", "Choose another name."
        )


def _dataset(path: Path | None) -> Mapping[str, Gaussian]:
    """A dataset's Gaussian, by the features that have its length."""
    if path is None:
        return {}
    gaussian = frechet.load(path)
    kind = "inception" if gaussian.mean.size == 2048 else "detector"
    return {kind: gaussian}


def _chosen(wishes: Wishes, dataset: Mapping[str, Gaussian]) -> tuple[Measure, ...]:
    """The measures that can be taken of what was given."""
    chosen = catalogue.choose(wishes.measures)
    given = {"references": wishes.reference is not None, "masks": wishes.masks is not None}
    fitting = tuple(
        m for m in chosen if catalogue.applies(m, **given, dataset=m.features in dataset)
    )
    refused = [m.name for m in chosen if m not in fitting]
    if wishes.measures and refused:
        raise UsageError(
            f"Not enough is given for {', '.join(refused)}.",
            "Add --reference, --mask or --dataset-stats (of the same features).",
        )
    return fitting


def _named(paths: Sequence[Path]) -> Mapping[str, Path]:
    """A short name for each folder: the last part of its path, or all of it."""
    short = [outputs.real(path).name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise UsageError("A folder of results is named twice.", "Name each once.")
    return dict(zip(names, paths, strict=True))


def _equip(wishes: Wishes, chosen: Sequence[Measure]) -> Equipped:
    known = registry.load(wishes.models)
    named = wishes.detector or DETECTOR
    eyes = known.weights.get(named)
    if eyes is None or eyes.part != "detector":
        eyes = known.weights[known.model(named, "detect").parts["detector"]]
    extra = () if wishes.save_stats is None else (wishes.features,)
    return networks.equip(chosen, known, eyes, models.resolve_device(wishes.device), extra)


def _groups(wishes: Wishes, matched: Mapping[str, Matched]) -> Mapping[str, grouping.Label]:
    if wishes.by is None:
        return {}
    path = wishes.manifest
    if path is None:
        places_of = [*wishes.restored, wishes.reference]
        found = [p / "manifest.jsonl" for p in places_of if p is not None]
        path = next((p for p in found if p.exists()), None)
    if path is None:
        raise UsageError(
            "--by needs the manifest of the degraded pictures.", "Name it with --manifest FILE."
        )
    stems = {pair.stem for each in matched.values() for pair in each.pairs}
    return grouping.labels(path, wishes.by, stems)


def _tell_alone(matched: Mapping[str, Matched]) -> bool:
    """Warn of pictures without a partner; whether a result is among them."""
    lost = False
    for name, each in matched.items():
        kinds = (
            (each.without_reference, "no reference"),
            (each.without_mask, "no mask"),
            (each.without_result, "a reference and no result"),
        )
        for stems, what in kinds:
            if stems:
                shown = ", ".join(stems[:NAMED]) + (", …" if len(stems) > NAMED else "")
                log.warning("%s: %d with %s: %s", name, len(stems), what, shown)
        lost = lost or bool(each.without_reference or each.without_mask)
    return lost


def _measure(
    wishes: Wishes,
    matched: Mapping[str, Matched],
    equipped: Equipped,
    values: cache.Cache,
    complain: Callable[[DifFaceError], None],
    progress: Progress,
) -> tuple[dict[str, list[Keyed]], int]:
    """Measure all folders; how many pictures could not be."""
    failures: list[DifFaceError] = []

    def note(pair: Pair, error: DifFaceError) -> None:
        failures.append(error)
        if total > 1:
            complain(error)

    total = sum(len(each.pairs) for each in matched.values())
    measured: dict[str, list[Keyed]] = {}
    before = 0
    for name, each in matched.items():

        def track(pairs: Iterable[Pair], start: int = before) -> Iterator[Pair]:
            for index, pair in enumerate(pairs, start):
                progress.photo(pair.stem, index, total)
                yield pair

        measured[name] = measurement.measure(
            each.pairs, equipped.instruments, values, note,
            workers=wishes.workers, track=track,
        )  # fmt: skip
        before += len(each.pairs)
    if not any(measured.values()):
        raise failures[0]
    if failures:
        log.warning("%d of %d pictures could not be measured, see above.", len(failures), total)
    return measured, len(failures)


def _save_stats(wishes: Wishes, task: Task, measured: Mapping[str, Sequence[Keyed]]) -> None:
    assert wishes.save_stats is not None
    keys = [k.restored for k in next(iter(measured.values()))]
    try:
        gaussian = comparison.gaussian(task, wishes.features, keys)
    except ValueError as e:
        raise UsageError(f"There are no statistics to save: {e}.", "Give more pictures.") from None
    atomic.write(wishes.save_stats, frechet.dump(gaussian))


def _about(wishes: Wishes) -> Mapping[str, str | None]:
    paths = {name: getattr(wishes, name) for name in ("reference", "dataset_stats", "masks")}
    return {
        "restored": ", ".join(map(str, wishes.restored)),
        **{name: path and str(path) for name, path in paths.items()},
        "by": wishes.by,
    }
