"""An evaluation told: tables on the terminal, files where they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from difface_cli.base import atomic
from difface_cli.cli import console
from difface_cli.evaluation import curves
from difface_cli.evaluation import report as tables
from difface_cli.evaluation.report import Grid, Report

STDOUT = "-"
TEXTS: Mapping[str, Callable[[Report], str]] = {
    "csv": tables.to_csv,
    "json": tables.to_json,
    "latex": tables.to_latex,
    "markdown": tables.to_markdown,
}


def tell(report: Report, files: Mapping[str, Path]) -> None:
    """The tables on the terminal, unless stdout carries a file."""
    if STDOUT in {str(path) for path in files.values()}:
        return
    width = console.out().width
    whole, means = tables.grid(report), tables.grid(report, intervals=False)
    shapes = (whole, _turned(whole), means, _turned(means))
    shown = next((shape for shape in shapes if _width(shape) <= width), means)
    _print(shown)
    if shown not in shapes[:2]:
        console.plain("Intervals are in the files of --markdown, --latex and --json.")
    if apart := tables.differences(report):
        _print(min(apart, _turned(apart), key=_width))
    for note in tables.notes(report):
        console.plain(note)


def _turned(grid: Grid) -> Grid:
    """Measures down, folders across."""
    head, *rows = zip(grid.head, *grid.rows, strict=True)
    return Grid(head, tuple(rows))


def _width(grid: Grid) -> int:
    """Columns of the terminal that it takes, with what stands between."""
    return sum(3 + max(map(len, column)) for column in zip(grid.head, *grid.rows, strict=True))


def _print(grid: Grid) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, title in enumerate(grid.head):
        table.add_column(
            Text(console.literal(title)), justify="right" if index else "left", overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(Text(console.literal(text)) for text in row))
    console.out().print(table)


def write(report: Report, files: Mapping[str, Path]) -> None:
    """The files that were asked for, by their kind."""
    for kind, path in files.items():
        if kind == "plot":
            atomic.write(path, curves.draw(report))
            continue
        text = TEXTS[kind](report)
        if str(path) == STDOUT:
            sys.stdout.write(text)
        else:
            atomic.write(path, text.encode(errors="backslashreplace"))
