"""Measures over how pictures were degraded: figure 6(b) of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from difface_cli.base.errors import UsageError
from difface_cli.evaluation.catalogue import Measure
from difface_cli.evaluation.summary import Summary
from difface_cli.evaluation.tables import Line, Report
from difface_cli.report import plots
from difface_cli.report.plots import Curve


def draw(report: Report, title: str = "") -> bytes:
    """A PNG: each measure that varies over the groups, a line a folder, intervals shaded.

    Raises:
        UsageError: when the groups are no numbers, or there is only one.
    """
    folders: dict[str, list[Line]] = {}
    for line in report.lines:
        if line.group and line.at is not None:
            folders.setdefault(line.name, []).append(line)
    by = str(report.about.get("by"))
    if not folders or max(map(len, folders.values())) < 2:
        raise UsageError(
            f"There is no curve over {by}: its values are not numbers, or all are one.",
            "Leave out --plot, or group by another key.",
        )
    there = [m for m in report.measures if all(_there(lines, m) for lines in folders.values())]
    everywhere = [line for lines in folders.values() for line in lines]
    shown = [m for m in there if len({line.values[m.name].mean for line in everywhere}) > 1]
    curves = [
        Curve(
            name,
            [line.at for line in lines if line.at is not None],
            {m.name: [_band(line.values[m.name]) for line in lines] for m in shown},
        )
        for name, lines in folders.items()
    ]
    if not shown:
        raise UsageError(f"Nothing varies over {by}.", "Leave out --plot.")
    measures = {m.name: plots.Measure(m.title, f"{m.title} {m.arrow}") for m in shown}
    return plots.draw_over(curves, measures, x=by, title=title)


def _there(lines: Sequence[Line], measure: Measure) -> bool:
    return all(m is not None and m.count for m in (line.values.get(measure.name) for line in lines))


def _band(summary: Summary) -> tuple[float, float, float]:
    alone = summary.low != summary.low  # NaN: a single picture, or a set
    mean = summary.mean
    return (mean, mean, mean) if alone else (summary.low, mean, summary.high)
