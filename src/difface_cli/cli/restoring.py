"""What `difface restore` does with its photos, one after the other."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from difface_cli import atomic, costs, images, models, pipeline, preview, sidecar
from difface_cli.cli import console, outputs
from difface_cli.cli.outputs import STREAM, Job
from difface_cli.errors import DifFaceError
from difface_cli.images import Photo
from difface_cli.images.writing import SUFFIXES
from difface_cli.models import Ready
from difface_cli.options import Options
from difface_cli.pipeline import Found, Restoration
from difface_cli.progress import Progress
from difface_cli.registry import Model, Registry

BATCH_FAILED = 1


@dataclass(frozen=True)
class Source:
    """A photo that was read, the hash of its file, and the file's bytes when they are needed."""

    photo: Photo
    sha256: str
    data: Callable[[], bytes]


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


PART_TASKS = {"detector": "detect", "parser": "parse", "background": "background"}


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
    """Do all jobs; a photo that fails does not stop the others.

    Returns:
        0, or 1 when some of several photos failed.

    Raises:
        DifFaceError: when the only photo failed.
    """
    failed = 0
    with console.photo_progress(len(jobs), quiet=session.as_json) as progress:
        for index, job in enumerate(jobs):
            progress.photo(Path(job.source).name, index, len(jobs))
            try:
                record = _preview(job, session) if dry_run else _restore(job, session, progress)
            except DifFaceError as error:
                if len(jobs) == 1:
                    raise
                failed += 1
                record = {"status": "failed", "input": {"path": job.source}, "error": str(error)}
                console.say("error", error.message, error.hint)
            if session.as_json and job.target is not None:
                sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
                sys.stdout.flush()
    if failed:
        console.say("failed", f"{failed} of {len(jobs)} photos, see above.")
    return BATCH_FAILED if failed else 0


def _restore(job: Job, session: Session, progress: Progress) -> dict[str, Any]:
    start = time.perf_counter()
    progress.stage("reading")
    source = _read(job.source)
    with _folder(job):
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
        _write(job, session, source, result, record)
    if not session.as_json:
        _report(job, result, time.perf_counter() - start)
    return {"status": "restored" if result.crops else "no face"} | record


def _folder(job: Job) -> AbstractContextManager[None]:
    return outputs.folder(job.target.parent) if job.target else nullcontext()


def _encoded(
    source: Source, result: Restoration, sample: int, target: Path | None, quality: int
) -> bytes:
    """The bytes of one result; the input's own where nothing was done to it."""
    format = source.photo.format if source.photo.format in SUFFIXES.values() else "PNG"
    if target is not None:
        format = images.format_for(target)
    photo = result.photos[sample]
    if photo is source.photo and format == photo.format:
        return source.data()
    return images.encode(photo, format, quality)


def _write(
    job: Job, session: Session, source: Source, result: Restoration, record: dict[str, Any]
) -> None:
    """Write results and record; where one of them fails, none is left behind."""
    if job.target is None:
        sys.stdout.buffer.write(_encoded(source, result, 0, None, session.quality))
        sys.stdout.buffer.flush()
        return
    with outputs.all_or_none(job.files):
        for k in range(job.samples):
            target = job.sample(k)
            atomic.write(target, _encoded(source, result, k, target, session.quality))
        text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        atomic.write(job.files[-1], text.encode())
    if session.save_faces:
        _write_faces(job, result)


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


def _preview(job: Job, session: Session) -> dict[str, Any]:
    photo = _read(job.source).photo
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
            f"{_duration(cost.seconds)} and {cost.memory / 2**30:.1f} GB of memory."
        )
    return record


def _read(name: str) -> Source:
    if name == STREAM:
        data = images.read_stdin()
        digest = hashlib.sha256(data).hexdigest()
        return Source(images.read_bytes(data, "stdin"), digest, lambda: data)
    path = Path(name)
    photo = images.read(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(photo, digest, path.read_bytes)


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
    lines = [f"{job.source} → {target}: {what}, {_duration(seconds)}", *_skipped(result.faces)]
    for line in lines:
        console.plain(line, stderr=job.target is None)


def _skipped(faces: tuple[Found, ...]) -> Iterator[str]:
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


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes / 60:.1f} h"
