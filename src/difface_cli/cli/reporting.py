"""What `difface restore` tells of a photo on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from difface_cli.cli import running, trusting
from difface_cli.cli.outputs import Job
from difface_cli.cli.running import Record
from difface_cli.tasks import Found

if TYPE_CHECKING:
    from rich.table import Table


def lines(job: Job, record: Record) -> Iterator[str]:
    """A line about a photo that was restored, and what is to be said of single faces."""
    faces = record["faces"]
    restored = sum(face["restored"] for face in faces)
    if not faces:
        what = "no face found, the photo is only copied"
    elif not restored:
        what = f"none of {len(faces)} faces restored, the photo is only copied"
    else:
        what = f"{restored} of {len(faces)} faces restored"
    target = job.files[0] if job.target else "stdout"
    seconds = running.duration(record["seconds"]["total"])
    yield f"{job.source} → {target}: {what}, {seconds}"
    yield from skipped((face["index"], face["skipped"]) for face in faces)
    yield from starts(faces)
    yield from chosen(faces)
    yield from trusting.doubts(faces)
    if job.report:
        yield f"  to look at: {job.page}"


def skipped(faces: Iterable[tuple[int, str | None]]) -> Iterator[str]:
    """A line for each face that was left alone, by its index, with the reason."""
    for index, reason in faces:
        if reason and reason != "not chosen":
            yield f"  face {index} left alone: {reason}"


def starts(faces: Iterable[Record]) -> Iterator[str]:
    """A line for each face whose N was chosen for it."""
    for face in faces:
        if start := face.get("auto_n"):
            yield (
                f"  face {face['index']}: N = {start['n']}, for a blur of "
                f"{start['width']:.1f} px of 512"
            )


def chosen(faces: Iterable[Record]) -> Iterator[str]:
    """A line for each face that one of its samples was pasted for."""
    for face in faces:
        choice = face.get("choice")
        if choice and face["restored"]:
            scores = ", ".join(f"{score:.4g}" for score in choice["scores"])
            yield (
                f"  face {face['index']}: sample {choice['sample'] + 1} of "
                f"{len(choice['scores'])} by {choice['by']} ({scores})"
            )


def table(faces: tuple[Found, ...]) -> Table:
    """The faces that were found, and whether they would be restored."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rows = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("face", "left", "top", "width", "height", "score"):
        rows.add_column(heading, justify="right")
    rows.add_column("restored")
    for found in faces:
        x0, y0, x1, y1 = found.face.box
        numbers = (f"{v:.0f}" for v in (x0, y0, x1 - x0, y1 - y0))
        verdict = f"no: {found.skipped}" if found.skipped else "yes"
        rows.add_row(str(found.index), *numbers, f"{found.face.score:.2f}", verdict)
    return rows
