"""Bars for files on their way, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from difface_cli.cli import console

if TYPE_CHECKING:
    from difface_cli.weights.download import Report


@contextmanager
def bars() -> Iterator[Report]:
    """Show what is being fetched, and how far it is; nothing where stderr is no terminal."""
    from difface_cli.weights.fetch import silent

    terminal = console.err()
    if not terminal.is_terminal:
        yield silent
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=24),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=terminal, transient=True) as shown:
        task = shown.add_task("")
        labels: set[str] = set()

        def report(label: str, done: int, total: int) -> None:
            if label not in labels:
                labels.add(label)
                shown.reset(task)
            shown.update(
                task, description=console.literal(label), completed=done, total=total or None
            )

        yield report
