"""An evaluation as tables: for the terminal, and as CSV, JSON, LaTeX and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from difface_cli import __version__
from difface_cli.evaluation.catalogue import MEASURES, SET, Measure
from difface_cli.evaluation.summary import Difference, Summary

TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
TEX |= {character: "\\" + character for character in "&%$#_{}"}
MARKS = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "±": r"$\pm$", "–": "--", "—": "---"}


@dataclass(frozen=True)
class Line:
    """One line of the table: all pictures of a folder of results, or a group of them.

    Attributes:
        name: of the folder.
        group: "" for all its pictures.
        at: where the group stands on an axis; None where it is no number.
        values: measure's name → summary.
        against: measure's name → difference to the first folder's same line.
    """

    name: str
    group: str
    count: int
    values: Mapping[str, Summary]
    at: float | None = None
    against: Mapping[str, Difference] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Report:
    """All that an evaluation tells.

    Attributes:
        each: folder's name → stem → measure's name → value, None where there is none.
        missing: measure's name → why it was not computed.
        about: what was compared with what, as JSON holds it.
    """

    measures: tuple[Measure, ...]
    lines: tuple[Line, ...]
    each: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    missing: Mapping[str, str]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Grid:
    """A table of texts: what every format shows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(report: Report, intervals: bool = True) -> Grid:
    """Folders and groups down, measures across: mean and, if wanted, interval."""
    grouped = any(line.group for line in report.lines)
    by = str(report.about.get("by") or "")
    head = ["", *([by] if grouped else []), "n"]
    rows = []
    for line in report.lines:
        lead = [line.name, *([line.group or "all"] if grouped else []), str(line.count)]
        rows.append(
            (*lead, *(cell(line.values.get(m.name), m, intervals) for m in report.measures))
        )
    return Grid((*head, *(f"{m.title} {m.arrow}" for m in report.measures)), tuple(rows))


def differences(report: Report) -> Grid | None:
    """Each folder less the first, with p; None when there is only one."""
    lines = [line for line in report.lines if line.against]
    if not lines:
        return None
    measures = [m for m in report.measures if any(m.name in line.against for line in lines)]
    rows = []
    for line in lines:
        name = f"{line.name}, {line.group}" if line.group else line.name
        rows.append((name, *(_apart(line.against.get(m.name), m) for m in measures)))
    first = report.lines[0].name
    head = (f"less {first}", *(f"{m.title} {m.arrow}" for m in measures))
    return Grid(head, tuple(rows))


def cell(summary: Summary | None, measure: Measure, interval: bool = True) -> str:
    """23.25 (23.10–23.41), or a dash where there is nothing."""
    if summary is None or not summary.count:
        return "—"
    mean = f"{summary.mean:.{measure.digits}f}"
    if not interval or math.isnan(summary.low):
        return mean
    return f"{mean} ({summary.low:.{measure.digits}f}–{summary.high:.{measure.digits}f})"


def _apart(difference: Difference | None, measure: Measure) -> str:
    if difference is None:
        return "—"
    p = "p < 0.001" if difference.p < 0.001 else f"p = {difference.p:.3f}"
    return f"{difference.mean:+.{measure.digits}f} ({p})"


def notes(report: Report) -> list[str]:
    """What the measures are, and why some are not there."""
    told = [f"{m.title}: {m.what}." for m in report.measures]
    if any(m.of != SET for m in report.measures):
        told.append("In brackets: 95 % interval of the mean, by the bootstrap over pictures.")
    return told + [
        f"{MEASURES[name].title}: not computed: {why}" for name, why in report.missing.items()
    ]


def to_markdown(report: Report) -> str:
    """Tables and notes."""
    parts = [markdown(table) for table in (grid(report), differences(report)) if table]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes(report))]) + "\n"


def to_latex(report: Report) -> str:
    """Tables for a paper, with booktabs; the notes as comments."""
    parts = [latex(table) for table in (grid(report), differences(report)) if table]
    return "\n\n".join(["\n".join(f"% {note}" for note in notes(report)), *parts]) + "\n"


def to_csv(report: Report) -> str:
    """A line for each picture of each folder, with all its values."""
    file = io.StringIO()
    names = [m.name for m in report.measures if m.of != SET]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["folder", "picture", *names])
    for folder, pictures in report.each.items():
        for stem, values in pictures.items():
            told = ["" if (v := values.get(name)) is None else f"{v:.8g}" for name in names]
            writer.writerow([folder, stem, *told])
    return file.getvalue()


def to_json(report: Report) -> str:
    """Everything: what was compared, the lines, the values of each picture."""
    record = {
        "difface": __version__,
        **report.about,
        "measures": {m.name: {"title": m.title, "more_is_better": m.more, "what": m.what}
                     for m in report.measures},
        "not_computed": dict(report.missing),
        "lines": [_line(line) for line in report.lines],
        "pictures": {name: dict(pictures) for name, pictures in report.each.items()},
    }  # fmt: skip
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace").decode() + "\n"


def _line(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "group": line.group,
        "at": line.at,
        "count": line.count,
        "values": {name: _plain(asdict(value)) for name, value in line.values.items()},
        "against_first": {name: _plain(asdict(value)) for name, value in line.against.items()},
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def markdown(table: Grid) -> str:
    """A table for Markdown."""
    rows: Sequence[Sequence[str]] = (table.head, ["---"] * len(table.head), *table.rows)
    return "\n".join("| " + " | ".join(c.replace("|", r"\|") for c in row) + " |" for row in rows)


def latex(table: Grid) -> str:
    """A table for LaTeX, with booktabs."""
    rows = [" & ".join(map(_tex, row)) + r" \\" for row in table.rows]
    return "\n".join(
        [
            r"\begin{tabular}{l" + "r" * (len(table.head) - 1) + "}",
            r"\toprule",
            " & ".join(map(_tex, table.head)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _tex(text: str) -> str:
    return "".join((TEX | MARKS).get(character, character) for character in text)
