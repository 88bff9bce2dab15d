"""What `difface colorize` does with its photos, one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from difface_cli import images
from difface_cli import tasks as pipeline
from difface_cli.base.progress import Progress
from difface_cli.cli import console, outputs, reporting, restoring, running
from difface_cli.cli.outputs import Job
from difface_cli.cli.running import Record
from difface_cli.records import sidecar
from difface_cli.report import preview
from difface_cli.tasks import Restoration, colorizing, costs
from difface_cli.tasks.colorizing import Wishes

FOLDER = Path("colorized")


@dataclass(frozen=True)
class Session(restoring.Session):
    """What holds for all photos of a run; `options` are those of the wishes."""

    wishes: Wishes = field(default_factory=Wishes)


def run(jobs: list[Job], session: Session, *, dry_run: bool = False) -> int:
    """Do all jobs, see `running.run`."""
    work = partial(_preview if dry_run else _colorize, session)
    return running.run(jobs, work, as_json=session.as_json)


def _colorize(session: Session, job: Job, progress: Progress) -> Record:
    start = time.perf_counter()
    progress.stage("reading")
    source = running.read(job.source)
    colorizing.check_photo(source.photo, job.source, session.wishes)
    with running.folder(job):
        result = colorizing.colorize(source.photo, session.ready, session.wishes, progress)
        progress.stage("writing")
        record = sidecar.coloured(
            result,
            session.ready,
            session.wishes,
            source=job.source,
            source_sha256=source.sha256,
            outputs=[str(job.sample(k)) for k in range(job.samples)] if job.target else [],
            quality=session.quality,
            seconds=time.perf_counter() - start,
        )
        running.write(job, source, result.photos, record, session.quality)
    if not session.as_json:
        _report(job, result, session, time.perf_counter() - start)
    return {"status": "coloured" if result.crops else "no face"} | record


def _preview(session: Session, job: Job, progress: Progress) -> Record:
    photo = running.read(job.source).photo
    colorizing.check_photo(photo, job.source, session.wishes)
    faces = pipeline.find(images.desaturated(photo), session.ready, session.options)
    chosen = sum(not found.skipped for found in faces)
    cost = costs.estimate(photo, chosen, session.ready, session.options)
    path = job.files[0] if job.target else None
    if path is not None:
        with outputs.folder(path.parent):
            images.write(preview.numbered(photo, faces), path)
    if not session.as_json:
        console.plain(
            f"{job.source}: colouring {chosen} of {len(faces)} faces would take about "
            f"{running.duration(cost.seconds)}{f'; they are numbered in {path}' if path else ''}."
        )
    return {
        "status": "dry run",
        "input": {"path": job.source},
        "preview": str(path) if path else None,
        "faces": [sidecar.face(found) for found in faces],
        "estimate": {"seconds": round(cost.seconds, 1), "memory_bytes": cost.memory},
    }


def _report(job: Job, result: Restoration, session: Session, seconds: float) -> None:
    """One line a photo, and what the user may not expect."""
    coloured, count = len(result.crops), len(result.faces)
    rest = "" if session.options.aligned else ", the rest is grey"
    if coloured:
        what = f"{coloured} of {count} faces coloured{rest}"
    else:
        faces = f"none of {count} faces coloured" if count else "no face found"
        what = f"{faces}, the photo is only copied"
    lines = [
        f"{job.source} → {job.target or 'stdout'}: {what}, {running.duration(seconds)}",
        *reporting.skipped((face.index, face.skipped) for face in result.faces),
    ]
    for line in lines:
        console.plain(line, stderr=job.target is None)
