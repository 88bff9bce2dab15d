"""The terminal: two consoles and a progress display on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from difface_cli.base.progress import NoProgress, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.text import Text

T = TypeVar("T")


def out() -> Console:
    """A console for results, on stdout. NO_COLOR and pipes get plain text."""
    from rich.console import Console

    return Console(highlight=False)


def err() -> Console:
    """A console for errors, warnings and progress, on stderr; long lines are not broken."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(kind: str, message: str, hint: str = "", style: str = "bold red") -> None:
    """Print `kind: message` on stderr, and `hint` on a line of its own.

    Args:
        kind: "error" or "warning", shown in `style`.
        message, hint: literal text: brackets are no markup, and line breaks or escape sequences
            from a file name are shown as escapes.
    """
    from rich.text import Text

    console = err()
    console.print(Text.assemble((f"{kind}: ", style), literal(message)))
    if hint:
        console.print(Text.assemble(("hint: ", "bold"), literal(hint)))


def warn(message: str, hint: str = "") -> None:
    """Print a warning on stderr, literally as `say` does."""
    say("warning", message, hint, style="bold yellow")


def plain(line: str, stderr: bool = False) -> None:
    """Print a line of results literally, on stdout unless stdout carries a picture."""
    from rich.text import Text

    console = err() if stderr else out()
    console.print(Text(literal(line)), soft_wrap=True)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Collection[str] = (),
    fold: Collection[str] = (),
) -> None:
    """Print a table of results on stdout.

    Args:
        rows: a cell a head, text shown literally; none for an empty line.
        right: heads of the columns that are set to the right.
        fold: heads of those that may take several lines.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        shown.add_column(
            Text(literal(head)),
            justify="right" if head in right else "left",
            overflow="fold",
            no_wrap=head not in fold,
        )
    for row in rows:
        shown.add_row(*(Text(literal(cell)) if isinstance(cell, str) else cell for cell in row))
    out().print(shown)


def literal(text: str) -> str:
    """`text` with everything that a terminal would obey, or cannot show, as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def warnings() -> Iterator[None]:
    """Show what the lower rooms log, such as pictures that cannot be read, as warnings."""
    handler = _Warnings()
    logger = logging.getLogger("difface_cli")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())


@contextmanager
def photo_progress(total: int, quiet: bool = False) -> Iterator[Progress]:
    """Show bars for photos and for the loops within each, with the time left, on stderr.

    Args:
        total: number of photos.
        quiet: show nothing; nor is anything shown when stderr is not a terminal.
    """
    console = err()
    if quiet or not console.is_terminal:
        yield NoProgress()
        return
    with _bars(console) as bars:
        yield _RichProgress(bars, total)


def _bars(console: Console) -> Bars:
    from rich import progress
    from rich.table import Column

    name = Column(no_wrap=True, overflow="ellipsis", max_width=48)
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False, table_column=name),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[stage]}", markup=False),
        console=console,
        transient=True,
        # A piped stdout must not be led to the bars' console, which is stderr.
        redirect_stdout=sys.stdout.isatty(),
    )


class _RichProgress:
    """`Progress` as rich bars: one for the photos, one for each loop that runs."""

    def __init__(self, bars: Bars, total: int) -> None:
        self._bars = bars
        self._photos = bars.add_task("photos", total=total, stage="")

    def photo(self, name: str, index: int, total: int) -> None:
        for task in self._bars.task_ids:
            if task != self._photos:  # left by a photo that failed within a loop
                self._bars.remove_task(task)
        self._bars.update(
            self._photos, description=literal(name), completed=index, total=total, stage=""
        )

    def stage(self, name: str) -> None:
        self._bars.update(self._photos, stage=literal(name))

    def steps(self, iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
        task = self._bars.add_task("  " + literal(label), total=total, stage="")
        try:
            for item in iterable:
                yield item
                with suppress(KeyError):  # the next photo took the bar away
                    self._bars.advance(task)
        finally:
            with suppress(KeyError):
                self._bars.remove_task(task)
