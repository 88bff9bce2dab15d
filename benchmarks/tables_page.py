"""What `tables.py` made, measured and written as docs/results.md beside the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from paper import TABLE_I, TABLE_II, TABLE_V, TABLE_VIII, Numbers

from difface_cli.base.errors import WeightsMissing
from difface_cli.degradations import masks
from difface_cli.evaluation import (
    cache,
    catalogue,
    comparison,
    curves,
    folders,
    measurement,
    networks,
    tables,
)
from difface_cli.evaluation.catalogue import Measure
from difface_cli.evaluation.comparison import Task
from difface_cli.evaluation.folders import Pair
from difface_cli.evaluation.grouping import Label
from difface_cli.evaluation.tables import Grid, Report
from difface_cli.weights import registry, store

FACES = ("psnr", "ssim", "ms-ssim", "gmsd", "lmd", "found", "fd-g")
IN_HOLES = ("psnr-hole", "ssim-hole", "seam", "fd-g")
PAPERS = {"psnr": "PSNR", "ssim": "SSIM", "lmd": "LMD"}
OTHERS = ("LPIPS", "IDS", "FID-F", "FID-G")  # of the paper, which need weights here


@dataclass(frozen=True)
class Set:
    """Folders of results to be held against each other.

    Attributes:
        results: column → folder.
        first: the column that the others are tested against.
    """

    results: Mapping[str, Path]
    truth: Path
    measures: tuple[str, ...]
    first: str
    masks: Path | None = None

    def complete(self) -> set[str]:
        """The stems of the pictures that every folder has."""
        places = [*self.results.values(), self.truth, *([self.masks] if self.masks else [])]
        return set.intersection(*({p.stem for p in place.glob("*.png")} for place in places))


def measured(
    work: Path, given: Set, groups: Mapping[str, Label] | None = None, by: str = ""
) -> Report:
    """Measure the pictures that every folder has; values are kept in WORK."""
    known = registry.load()
    chosen = [m for m in catalogue.choose(given.measures) if _here(known, m)]
    eyes = known.weights["starter-detector"]
    ready = networks.equip(chosen, known, eyes, torch.device("cpu"))
    there = given.complete()
    order = [given.first, *(name for name in given.results if name != given.first)]
    with cache.opened(work / "values.sqlite") as values:
        done = {}
        for name in order:
            matched = folders.match(given.results[name], given.truth, given.masks)
            pairs = [pair for pair in matched.pairs if pair.stem in there]
            done[name] = measurement.measure(pairs, ready.instruments, values, _refuse)
        task = Task(
            ready.measures, ready.instruments, values, groups=groups or {}, paired=not groups
        )
        return comparison.report(task, done, {}, {"by": by})


def _here(known: registry.Registry, measure: Measure) -> bool:
    try:
        return all(store.verified(known.weights[name]) for name in measure.weights)
    except WeightsMissing:
        return False


def _refuse(pair: Pair, error: Exception) -> None:
    raise error


def side_by_side(report: Report, columns: Sequence[str], paper: Numbers) -> str:
    """Measures down, settings across, the paper's own row below each of ours."""
    lines = {line.name: line for line in report.lines if not line.group}
    rows = []
    for measure in report.measures:
        cells = [tables.cell(lines[c].values.get(measure.name), measure, False) for c in columns]
        rows.append((f"{measure.title} {measure.arrow}", *cells))
        theirs = paper.get(PAPERS.get(measure.name, ""))
        if theirs:
            rows.append((f"*{measure.title}, paper*", *_italic(theirs, columns)))
    for name in OTHERS:
        if name in paper:
            rows.append((f"*{name}, paper* ↓", *_italic(paper[name], columns)))
    count = next(iter(lines.values())).count
    return tables.markdown(Grid((f"n = {count}", *columns), tuple(rows)))


def _italic(values: Mapping[str, float], columns: Sequence[str]) -> list[str]:
    return [f"*{values[c]:g}*" if c in values else "—" for c in columns]


def tested(report: Report) -> str:
    """Differences to the first folder, measures down."""
    apart = tables.differences(report)
    if apart is None:
        return ""
    head, *rows = zip(apart.head, *apart.rows, strict=True)
    return tables.markdown(Grid(head, tuple(rows)))


def table_i(work: Path) -> str:
    """Estimators, and DifFace from each."""
    columns = {
        "SRCNN": "srcnn",
        "DifFace(SRCNN)": "difface-srcnn",
        "SwinIR": "swinir",
        "DifFace(SwinIR)": "difface-swinir",
    }
    given = Set({"degraded": work / "degraded"} | {k: work / v for k, v in columns.items()},
                work / "truth", FACES, "SwinIR")  # fmt: skip
    report = measured(work, given)
    return "\n\n".join([side_by_side(report, ["degraded", *columns], TABLE_I), tested(report)])


def settings(work: Path, prefix: str, first: str, paper: Numbers) -> str:
    """One setting across: WORK/prefix-VALUE."""
    there = {p.name.removeprefix(prefix): p for p in work.glob(f"{prefix}*") if p.is_dir()}
    columns = sorted(there, key=float)
    found = {column: there[column] for column in columns}
    report = measured(work, Set(found, work / "truth", FACES, first))
    _plot(work, prefix, report, columns)
    return "\n\n".join([side_by_side(report, columns, paper), tested(report)])


def _plot(work: Path, prefix: str, report: Report, columns: Sequence[str]) -> None:
    """The same as a curve: each setting is a group of one series."""
    lines = {line.name: line for line in report.lines}
    series = [replace(lines[c], name="DifFace", group=c, at=float(c)) for c in columns]
    drawn = replace(report, lines=tuple(series), about={"by": prefix.rstrip("-")})
    (work / f"{prefix}curve.png").write_bytes(curves.draw(drawn))


def figure_6b(work: Path) -> str:
    """Over the scale factor: degraded, estimated, restored."""
    found = {
        "DifFace": work / "scale-difface",
        "SwinIR": work / "scale-swinir",
        "degraded": work / "scale-degraded",
    }
    given = Set(found, work / "scale-truth", FACES, "SwinIR")
    groups: dict[str, Label] = {}
    for stem in given.complete():
        scale = int(stem.rpartition("x")[2])
        groups[stem] = (float(scale), str(scale))
    report = measured(work, given, groups, "scale factor")
    (work / "scale-curve.png").write_bytes(curves.draw(report))
    columns = sorted({label[1] for label in groups.values()}, key=int)
    lines = {(line.name, line.group): line for line in report.lines}
    rows = [
        (f"{m.title} {m.arrow}, {name}",
         *(tables.cell(lines[name, c].values.get(m.name), m, False) for c in columns))
        for m in report.measures for name in found
    ]  # fmt: skip
    count = next(line.count for line in report.lines if line.group)
    return tables.markdown(Grid((f"n = {count} each", *columns), tuple(rows)))


def table_v(work: Path) -> str:
    """LaMa and DifFace for each kind of holes."""
    parts = []
    for kind in masks.PAPER_TYPES:
        folder = work / f"holes-{kind}"
        given = Set({"LaMa": folder / "lama", "DifFace": folder / "difface"},
                    work / "truth", IN_HOLES, "LaMa", folder / "mask")  # fmt: skip
        report = measured(work, given)
        table = side_by_side(report, ["LaMa", "DifFace"], TABLE_V[kind])
        parts += [f"**{kind}**", table, tested(report)]
    return "\n\n".join(parts)


def write(work: Path, page: Path) -> None:
    """Measure all parts and fill the page's template, which lies beside this file."""
    sections = {
        "TABLE_I": table_i(work),
        "TABLE_II": settings(work, "eta-", "0.5", TABLE_II),
        "TABLE_VIII": settings(work, "steps-", "40", TABLE_VIII),
        "FIGURE_6A": settings(work, "n-", "260", {}),  # the paper draws it and prints no number
        "FIGURE_6B": figure_6b(work),
        "TABLE_V": table_v(work),
    }
    text = Path(__file__).with_name("results.md.in").read_text(encoding="utf-8")
    for name, section in sections.items():
        text = text.replace(f"@{name}@", section)
    page.write_text(text, encoding="utf-8")
    for curve in ("n-", "scale-"):
        target = page.parent / "images" / f"results-{curve.rstrip('-')}.png"
        target.write_bytes((work / f"{curve}curve.png").read_bytes())
