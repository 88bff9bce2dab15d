"""`difface replay`: a run repeated from its record, and held against its result."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from difface_cli.cli import shared

if TYPE_CHECKING:
    from difface_cli.records.verdicts import Verdict
    from difface_cli.runs.jobs import Job
    from difface_cli.runs.replay import Replay

DIFFERENT = 1

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="Also write what comes out now, with a record. Default: nothing is written.",
        rich_help_panel=shared.OUTPUT,
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `difface replay`."""
    app.command("replay")(replay)


def replay(
    record: Annotated[Path, typer.Argument(help="The record beside a result, NAME.json.")],
    photo: Annotated[
        Path | None,
        typer.Option("--photo", metavar="FILE", help="Where the input is now, if it was moved."),
    ] = None,
    output: Output = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    models: shared.Models = None,
    device: Annotated[
        shared.Device | None,
        typer.Option(
            "--device",
            help="Where to compute. Default: as in the record.",
            rich_help_panel=shared.MACHINE,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Repeat a run from its record, and tell whether the result is the same.

    Takes input, weights and every setting from the record of difface restore, inpaint or
    colorize, and compares what comes out with the result of then: identical, or how far off. On
    the same machine with the same versions it is identical. Input and weights are told by their
    hashes, others are refused.

    Exit codes: 0 identical, 1 different, 2 not repeated.
    """
    from difface_cli.cli import console
    from difface_cli.records import reading
    from difface_cli.runs import replay as replays
    from difface_cli.runs import work
    from difface_cli.weights import registry

    start = time.perf_counter()
    again = replays.prepare(
        reading.read(record), registry.load(models), photo, device.value if device else None
    )
    job = _job(again, output, overwrite)
    if job is None:
        again.refuse_nothing_to_compare()
    with console.photo_progress(1, quiet=as_json) as progress:
        progress.photo(again.photo.name, 0, 1)
        source, result = again.repeat(progress)
        verdicts = again.verdicts(source, result)
        seconds = time.perf_counter() - start
        if job is not None:
            with work.folder(job):
                work.finished(again.session, job, source, result, seconds)
    if as_json:
        sys.stdout.write(json.dumps(_record(again, verdicts, seconds), ensure_ascii=True) + "\n")
    else:
        for line in _lines(again, verdicts, seconds):
            console.plain(line, stderr=job is not None and job.target is None)
    raise typer.Exit(0 if all(verdict.identical for verdict in verdicts) else DIFFERENT)


def _job(again: Replay, output: Path | None, overwrite: bool) -> Job | None:
    from difface_cli.runs import jobs

    if output is None:
        return None
    like = jobs.Job("", None, again.session.options.results)
    (job,) = jobs.plan([str(again.photo)], output, like, overwrite=overwrite)
    return job


def _record(again: Replay, verdicts: Sequence[Verdict], seconds: float) -> dict[str, Any]:
    return {
        "status": "identical" if all(v.identical for v in verdicts) else "different",
        "record": str(again.run.record),
        "input": {"path": str(again.photo), "sha256": again.run.sha256},
        "results": [asdict(verdict) for verdict in verdicts],
        "versions_changed": {name: list(pair) for name, pair in again.changed().items()},
        "seconds": round(seconds, 3),
    }


def _lines(again: Replay, verdicts: Sequence[Verdict], seconds: float) -> Iterator[str]:
    """A line a result, and what is not as it was where one differs."""
    from difface_cli.cli.lines import duration

    for verdict in verdicts:
        what = "identical to the last bit" if verdict.identical else "different"
        if off := verdict.difference:
            what += (
                f": at most {off.largest:.3g} of 255, {off.mean:.3g} on average, "
                f"PSNR {off.psnr:.1f} dB"
            )
        yield f"{again.run.record}: {verdict.output} is {what}, {duration(seconds)}"
        if verdict.note:
            yield f"  {verdict.note}"
    changed = again.changed()
    if changed and not all(verdict.identical for verdict in verdicts):
        pairs = (f"{name} {then} (now {now})" for name, (then, now) in changed.items())
        yield f"  made with {', '.join(pairs)}"
