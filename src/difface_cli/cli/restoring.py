"""What `difface restore` does with its photos, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch

from difface_cli import costs, exhibits, images, models, pipeline, preview, report, sidecar
from difface_cli.cli import console, outputs, running
from difface_cli.cli.outputs import Job
from difface_cli.cli.running import Record
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.options import Options
from difface_cli.pipeline import Found, Restoration
from difface_cli.progress import Progress
from difface_cli.registry import Model, Registry


@dataclass(frozen=True)
class Session:
    """What holds for all photos of a run."""

    registry: Registry
    model: Model
    device: torch.device
    dtype: torch.dtype
    options: Options
    detect_size: int = 1280
    quality: int = 95
    save_faces: bool = False
    as_json: bool = False

    @cached_property
    def ready(self) -> Ready:
        """The model, loaded when the first photo could be read."""
        return models.load(
            self.registry,
            self.model,
            self.device,
            self.dtype,
            detector=not self.options.aligned,
            detect_size=self.detect_size,
        )


PART_TASKS = {
    "estimator": "restore",
    "detector": "detect",
    "parser": "parse",
    "background": "background",
}


def choose_parts(registry: Registry, model: Model, **names: str | None) -> Model:
    """The model with the parts that the user named put in.

    Args:
        names: part → name of a model for the part's task, None to keep the model's own.
    """
    for part, name in names.items():
        if name is not None:
            model = models.with_part(registry, model, part, PART_TASKS[part], name)
    return model


def run(jobs: list[Job], session: Session, *, dry_run: bool = False) -> int:
    """Do all jobs, see `running.run`."""
    work = partial(_preview if dry_run else _restore, session)
    return running.run(jobs, work, as_json=session.as_json)


def _restore(session: Session, job: Job, progress: Progress) -> Record:
    start = time.perf_counter()
    progress.stage("reading")
    source = running.read(job.source)
    with running.folder(job):
        result = pipeline.restore(source.photo, session.ready, session.options, progress)
        progress.stage("writing")
        record = sidecar.record(
            result,
            session.ready,
            session.options,
            source=job.source,
            source_sha256=source.sha256,
            outputs=[str(job.sample(k)) for k in range(job.samples)] if job.target else [],
            quality=session.quality,
            seconds=time.perf_counter() - start,
        )
        beside = {}
        if job.report:
            page = exhibits.restoration(source.photo, result, record)
            beside[job.page] = report.render(page).encode()
        running.write(job, source, result.photos, record, session.quality, beside)
        if session.save_faces and job.target is not None:
            _write_faces(job, result)
    if not session.as_json:
        _report(job, result, time.perf_counter() - start)
    return {"status": "restored" if result.crops else "no face"} | record


def _write_faces(job: Job, result: Restoration) -> None:
    target = job.files[0]
    folder = target.with_name(f"{target.stem}_faces")
    with outputs.folder(folder):
        for crops in result.crops:
            named = {"input": crops.original, "estimate": crops.estimate}
            for k, restored in enumerate(crops.restored):
                named["restored" if k == 0 else f"restored.sample{k + 1}"] = restored
            for name, array in named.items():
                pixels = (array.clip(0, 1) * 255).round().astype("uint8")
                images.write(Photo(pixels), folder / f"{crops.index:02d}_{name}.png")


def _preview(session: Session, job: Job, progress: Progress) -> Record:
    photo = running.read(job.source).photo
    faces = pipeline.find(photo, session.ready, session.options)
    chosen = sum(not found.skipped for found in faces)
    cost = costs.estimate(photo, chosen, session.ready, session.options)
    path = job.files[0] if job.target else None
    if path is not None:
        with outputs.folder(path.parent):
            images.write(preview.numbered(photo, faces), path)
    record = {
        "status": "dry run",
        "input": {"path": job.source},
        "preview": str(path) if path else None,
        "faces": [sidecar.face(found) for found in faces],
        "estimate": {"seconds": round(cost.seconds, 1), "memory_bytes": cost.memory},
    }
    if not session.as_json:
        console.out().print(_table(faces))
        if path is not None:
            console.plain(f"Numbered faces: {path}")
        console.plain(
            f"{job.source}: restoring {chosen} of {len(faces)} faces would take about "
            f"{running.duration(cost.seconds)} and {cost.memory / 2**30:.1f} GB of memory."
        )
    return record


def _report(job: Job, result: Restoration, seconds: float) -> None:
    """One line a photo, and one for each face that was left alone."""
    restored = len(result.crops)
    if not result.faces:
        what = "no face found, the photo is only copied"
    elif not restored:
        what = f"none of {len(result.faces)} faces restored, the photo is only copied"
    else:
        what = f"{restored} of {len(result.faces)} faces restored"
    target = job.files[0] if job.target else "stdout"
    lines = [
        f"{job.source} → {target}: {what}, {running.duration(seconds)}",
        *skipped(result.faces),
        *([f"  to look at: {job.page}"] if job.report else []),
    ]
    for line in lines:
        console.plain(line, stderr=job.target is None)


def skipped(faces: tuple[Found, ...]) -> Iterator[str]:
    """A line for each face that was left alone, with the reason."""
    for found in faces:
        if found.skipped and found.skipped != "not chosen":
            yield f"  face {found.index} left alone: {found.skipped}"


def _table(faces: tuple[Found, ...]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("face", "left", "top", "width", "height", "score"):
        table.add_column(heading, justify="right")
    table.add_column("restored")
    for found in faces:
        x0, y0, x1, y1 = found.face.box
        numbers = (f"{v:.0f}" for v in (x0, y0, x1 - x0, y1 - y0))
        verdict = f"no: {found.skipped}" if found.skipped else "yes"
        table.add_row(str(found.index), *numbers, f"{found.face.score:.2f}", verdict)
    return table
