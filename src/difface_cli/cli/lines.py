"""What the terminal says of a photo, all of it told by its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from difface_cli.cli import console
from difface_cli.records.record import Record
from difface_cli.runs.jobs import Job
from difface_cli.tasks import Task

HEADINGS = ("face", "fit", "blur", "moved", "sharpness", "varies", "likeness", "restored")
FORCED = "  --force restores what the gate leaves alone"
LARGER = "  --upscale 2 gives small faces room to be restored in; --force restores them as they are"


def of(job: Job, record: Record, task: Task) -> Iterator[str]:
    """A line about a photo that is done, and what is to be said of single faces."""
    target = job.files[0] if job.target else "stdout"
    seconds = duration(record["seconds"]["total"])
    yield f"{job.source} → {target}: {task.told(record)}, {seconds}"
    if job.sheet is not None and str(job.sheet) in record["outputs"]:
        yield f"  samples side by side: {job.sheet}"
    faces = record["faces"]
    for face in faces:
        yield from _face(face)
    yield from _doubts(faces, task)
    yield from task.remarks(record)
    if job.report:
        yield f"  to look at: {job.page}"


def _face(face: Record) -> Iterator[str]:
    """Why it was left alone, which N was chosen for it, which sample was taken."""
    name = f"  face {face['index']}"
    if face["skipped"] and not _expected(face["skipped"]):
        yield f"{name} left alone: {face['skipped']}"
    elif start := face.get("auto_n"):
        found = f"a blur of {start['width']:.1f} px of 512 and noise of {start['noise']:.1f} levels"
        yield f"{name}: N = {start['n']}, for {found}"
    if face["restored"] and (alike := face.get("trust", {}).get("alike")):
        yield f"{name}: {alike['told']} (recognition distance {alike['distance']:.2f})"
    for k, reason in face.get("refused", {}).items():
        yield f"{name} left alone in sample {int(k) + 1}: {reason}"
    choice = face.get("choice")
    if choice and face["restored"]:
        scores = ", ".join(f"{score:.4g}" for score in choice["scores"])
        yield (
            f"{name}: sample {choice['sample'] + 1} of {len(choice['scores'])} by {choice['by']} "
            f"({scores})"
        )


def _expected(reason: str) -> bool:
    return reason in ("not chosen", "no hole in it")


def _doubts(faces: Sequence[Mapping[str, Any]], task: Task) -> Iterator[str]:
    """A line for each face that --force restored, with what speaks against it; or that it could."""
    reasons = [face["skipped"] for face in faces if face["skipped"]]
    if task.gauged and any(not _expected(r) and "--min-face" not in r for r in reasons):
        yield LARGER if any("--upscale" in reason for reason in reasons) else FORCED
    for face in faces:
        if doubt := face.get("trust", {}).get("doubt"):
            yield f"  face {face['index']} restored by --force: {doubt}"


def preview(job: Job, record: Record, task: Task) -> None:
    """Print a table of the faces that were found, and what restoring them would cost."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rows = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("face", "left", "top", "width", "height", "score"):
        rows.add_column(heading, justify="right")
    rows.add_column("restored")
    faces = record["faces"]
    for face in faces:
        x0, y0, x1, y1 = face["box"]
        numbers = (f"{v:.0f}" for v in (x0, y0, x1 - x0, y1 - y0))
        verdict = f"no: {face['skipped']}" if face["skipped"] else "yes"
        rows.add_row(str(face["index"]), *numbers, f"{face['score']:.2f}", verdict)
    console.out().print(rows)
    if record["preview"]:
        console.plain(f"Numbered faces: {record['preview']}")
    chosen, cost = sum(not face["skipped"] for face in faces), record["estimate"]
    console.plain(
        f"{job.source}: {task.doing} {chosen} of {len(faces)} faces would take about "
        f"{duration(cost['seconds'])} and {cost['memory_bytes'] / 2**30:.1f} GB of memory."
    )


def trust(faces: Sequence[Mapping[str, Any]], *, stderr: bool) -> None:
    """Print a table of what was measured of the faces that were drawn, if any were.

    Args:
        faces: of a record.
        stderr: whether stdout carries a picture.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = [face for face in faces if "trust" in face]
    if not drawn:
        return
    table = Table(*HEADINGS, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for face in drawn:
        restored = "yes" if face["restored"] else "no"
        table.add_row(str(face["index"]), *_numbers(face["trust"]), restored)
    (console.err() if stderr else console.out()).print(table)


def _numbers(trust: Mapping[str, Any]) -> Iterator[str]:
    sharpness, shift = trust["sharpness"], trust["landmark_shift"]
    moved = "—" if shift is None else f"{shift:.0f} %"
    yield f"{trust['consistency']['psnr']:.1f} dB"
    yield f"{trust['consistency']['width']:.1f} px"
    yield "no face" if trust["face_found"] is False else moved
    yield f"{sharpness['before']:.1f} → {sharpness['after']:.1f}"
    yield "—" if trust["variation"] is None else f"{trust['variation']:.1f}"
    if trust["identity"] is not None:
        yield f"{trust['identity']:.2f}"
    else:
        yield "—" if (alike := trust.get("alike")) is None else f"{alike['distance']:.2f} apart"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes / 60:.1f} h"
