"""What happens to a photo: read, prepared, drawn, finished, written with its record."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType

from difface_cli import images, report
from difface_cli.base import atomic
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.images import Photo
from difface_cli.images.writing import SUFFIXES
from difface_cli.records import record as records
from difface_cli.records.record import Files, Record
from difface_cli.report import exhibits, preview
from difface_cli.report.exhibits import trusted
from difface_cli.runs import jobs as outputs
from difface_cli.runs.account import Account, Unbegun
from difface_cli.runs.jobs import STREAM, Job
from difface_cli.runs.overlap import Stages
from difface_cli.runs.session import Session
from difface_cli.tasks import Drawn, Engine, Prepared, Result, Scene, Task, costs

NONE: Mapping[Path, bytes] = MappingProxyType({})
MOST_PHOTOS = 8  # whose faces may wait for a network call; each is held whole


@dataclass(frozen=True)
class Source:
    """A photo that was read, the hash of its file, and the file's bytes when they are needed."""

    photo: Photo
    sha256: str
    data: Callable[[], bytes]


@dataclass(frozen=True)
class Begun:
    """A photo that was read and prepared, and the seconds that took."""

    job: Job
    source: Source
    prepared: Prepared
    seconds: float


class Work:
    """The engine's stages with reading before them and writing behind.

    Args:
        make: makes folders for results, see `jobs.folders`.
        count: how many photos the progress is of.
    """

    def __init__(
        self,
        session: Session,
        make: Callable[[Path], None],
        account: Account,
        progress: Progress,
        count: int,
    ) -> None:
        self._session, self._make, self._progress = session, make, progress
        self._account = account
        self._count, self._drawn = count, 0

    @cached_property
    def _engine(self) -> Engine:
        """Made with the model, when a photo could be read."""
        return Engine(
            self._session.ready, self._session.task, self._session.options, self._progress
        )

    @property
    def stages(self) -> Stages[Job, Begun, Drawn, Record]:
        """For photos that overlap: what runs in threads shows no progress."""
        silent = NoProgress()
        return Stages(
            partial(self.begin, silent), self.draw, self.flush, partial(self.end, silent), self.room
        )

    def alone(self, job: Job) -> Record:
        """One photo from reading to writing."""
        begun = self.begin(self._progress, job)
        drawn = self.draw(begun)
        self.flush()
        return self.end(self._progress, begun, drawn.result())

    def begin(self, progress: Progress, job: Job) -> Begun:
        """Read the photo, find its faces and cut them out."""
        start = time.perf_counter()
        self._account.begin(job)
        source, scene = seen(self._session, job, progress)
        if job.target is not None:
            self._make(job.target.parent)
        _ = self._session.ready  # loaded after the photo was read, and before the engine
        prepared = self._engine.prepare(scene, progress)
        return Begun(job, source, prepared, time.perf_counter() - start)

    def draw(self, begun: Begun) -> Future[Drawn]:
        """Send the photo's faces through the networks.

        Raises:
            Unbegun: when the run was stopped meanwhile.
        """
        if self._account.stopped:
            raise Unbegun
        self._progress.photo(Path(begun.job.source).name, self._drawn, self._count)
        self._drawn += 1
        return self._engine.draw(begun.prepared)

    def flush(self) -> None:
        """Draw the faces that wait for others."""
        if self._drawn:
            self._engine.flush()

    def room(self) -> int:
        """As many photos as one call may hold faces of, bounded for memory, and the next."""
        return 1 + min(MOST_PHOTOS, self._engine.drawing.batches.size if self._drawn else 1)

    def end(self, progress: Progress, begun: Begun, drawn: Drawn) -> Record:
        """Paste the faces, and write results and record."""
        start, session, job = time.perf_counter(), self._session, begun.job
        result = self._engine.finish(begun.prepared, drawn, progress)
        progress.stage("writing")
        before = begun.seconds + sum(drawn.seconds.values())
        seconds = before + time.perf_counter() - start
        return finished(session, job, begun.source, result, seconds)


def alone(session: Session, job: Job) -> Record:
    """One photo from reading to writing, without a word; raises what goes wrong."""
    with outputs.folders() as make:
        return Work(session, make, Account(1), NoProgress(), 1).alone(job)


def finished(session: Session, job: Job, source: Source, result: Result, seconds: float) -> Record:
    """Write a photo's results, its record, and what else was asked for.

    Returns:
        The record, with the photo's status, and the seconds in any case.
    """
    task = session.task
    sheet = job.sheet if result.crops else None
    named = [job.sample(k) for k in range(job.samples)] if job.target else []
    files = Files(
        job.source,
        source.sha256,
        [str(path) for path in (*named, *([sheet] if sheet else []))],
        session.quality,
    )
    record = records.record(result, session.ready, task, session.options, files, seconds)
    told = records.timeless(record) if session.timeless else record
    beside: dict[Path, bytes] = {}
    if sheet is not None:
        beside[sheet] = images.encode(preview.samples(result.crops, task.before), "PNG")
    if job.report:
        page = exhibits.restoration(source.photo, result, told, task.done)
        beside[job.page] = report.render(page).encode()
    write(job, source, result.photos, told, session.quality, beside)
    if session.save_faces and job.target is not None:
        _write_faces(job, result)
    return {"status": task.status(result)} | record | told | _warning(task, result.scene)


def look(session: Session, job: Job, progress: Progress) -> Record:
    """What would be done to a photo, and what it would cost; a picture of its numbered faces."""
    _, scene = seen(session, job, progress)
    task, options = session.task, session.options
    faces = Engine(session.ready, task, options).prepare(scene, progress).found
    chosen = sum(not found.skipped for found in faces)
    cost = costs.estimate(scene.photo, chosen, session.ready, task, options)
    path = job.files[0] if job.target else None
    if path is not None:
        with outputs.folder(path.parent):
            images.write(preview.numbered(scene.view, faces), path)
    return {
        "status": "dry run",
        "task": task.name,
        "input": {"path": job.source},
        "preview": str(path) if path else None,
        "faces": [records.face(found) for found in faces],
        "estimate": {"seconds": round(cost.seconds, 1), "memory_bytes": cost.memory},
    } | _warning(task, scene)


def _warning(task: Task, scene: Scene) -> Record:
    """What the user should know of a photo, beside what its record tells."""
    message, hint = task.warning(scene)
    return {"warning": [message, hint]} if message else {}


def seen(session: Session, job: Job, progress: Progress) -> tuple[Source, Scene]:
    """The photo read, and as the session's task sees it."""
    progress.stage("reading")
    source = read(job.source)
    return source, session.task.scene(source.photo, job.source, source.sha256, job.place)


def read(name: str) -> Source:
    """The photo that the user named, "-" for stdin."""
    if name == STREAM:
        data = images.read_stdin()
        digest = hashlib.sha256(data).hexdigest()
        return Source(images.read_bytes(data, "stdin"), digest, lambda: data)
    images.peek(name)  # before a large file is read that is no picture
    data = images.contents(name)  # once: the file may be another one a moment later
    return Source(images.read_bytes(data, name), hashlib.sha256(data).hexdigest(), lambda: data)


def folder(job: Job) -> AbstractContextManager[None]:
    """The folder of the job's results, made before the work; see `jobs.folder`."""
    return outputs.folder(job.target.parent) if job.target else nullcontext()


def write(
    job: Job,
    source: Source,
    photos: Sequence[Photo],
    record: Record,
    quality: int,
    beside: Mapping[Path, bytes] = NONE,
) -> None:
    """Write results and record; where one of them fails, none is left behind.

    The record gets what only now is known: the results' hashes, and how the input lies to it.

    Args:
        photos: one a sample.
        quality: of JPEG and WebP files.
        beside: the bytes of further files of `job.files`.
    """
    if job.target is None:
        sys.stdout.buffer.write(encoded(source, photos[0], None, quality))
        sys.stdout.buffer.flush()
        return
    hashes: list[str] = []
    # Its folder was made before, and may have gone with another photo that failed.
    with outputs.folder(job.target.parent), outputs.all_or_none(job.files):
        for k in range(job.samples):
            target = job.sample(k)
            data = encoded(source, photos[k], target, quality)
            hashes.append(hashlib.sha256(data).hexdigest())
            atomic.write(target, data)
        record["output_sha256"] = hashes
        record["input"]["from_record"] = _from(job.target.parent, job.source)
        for target, data in beside.items():
            atomic.write(target, data)
        atomic.write(job.files[-1], (as_json(record, indent=2) + "\n").encode())


def as_json(record: Record, indent: int | None = None) -> str:
    """The record as JSON; bytes of a file's name that are no UTF-8 become escapes."""
    text = json.dumps(record, ensure_ascii=False, indent=indent)
    return text.encode(errors="backslashreplace").decode()


def encoded(source: Source, photo: Photo, target: Path | None, quality: int) -> bytes:
    """The bytes of one result; the input's own where nothing was done to it."""
    format = source.photo.format if source.photo.format in SUFFIXES.values() else "PNG"
    if target is not None:
        format = images.format_for(target)
    if photo is source.photo and format == photo.format:
        return source.data()
    return images.encode(photo, format, quality)


def _from(folder: Path, source: str) -> str:
    """The input's path from the record's folder, so that both can move together."""
    if source == STREAM:
        return ""
    try:
        return os.path.relpath(os.path.realpath(source), os.path.realpath(folder))
    except ValueError:  # on another drive
        return ""


def _write_faces(job: Job, result: Result) -> None:
    known = {found.index: found.trust for found in result.faces}
    with outputs.folder(job.faces):
        for crops in result.crops:
            named = {"input": crops.original, "estimate": crops.estimate}
            for k, restored in enumerate(crops.restored):
                named["restored" if k == 0 else f"restored.sample{k + 1}"] = restored
            if trust := known.get(crops.index):
                named |= trusted.pictures(crops, trust)
            for name, array in named.items():
                pixels = (array.clip(0, 1) * 255).round().astype("uint8")
                images.write(Photo(pixels), job.faces / f"{crops.index:02d}_{name}.png")
