"""What `difface restore` does with its photos."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch

from difface_cli import images, models, report
from difface_cli import tasks as pipeline
from difface_cli.base import machine
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.cli import console, flow, outputs, referring, reporting, running, trusting
from difface_cli.cli.accounts import Account, Unbegun
from difface_cli.cli.outputs import STREAM, Job
from difface_cli.cli.running import Outcome, Record, Source
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.records import sidecar
from difface_cli.report import exhibits, preview
from difface_cli.report.exhibits import trusted
from difface_cli.tasks import Drawing, Drawn, Prepared, Restoration, costs
from difface_cli.tasks.options import Options
from difface_cli.trust.choosing import IDENTITY
from difface_cli.weights.registry import Model, Registry


@dataclass(frozen=True)
class Session:
    """What holds for all photos of a run.

    Attributes:
        timeless: whether the records beside results leave out when and how fast they were made,
            so that the same run gives the same bytes; its manifest tells that.
    """

    registry: Registry
    model: Model
    device: torch.device
    dtype: torch.dtype
    options: Options
    detect_size: int = 1280
    quality: int = 95
    save_faces: bool = False
    compiled: bool = False
    as_json: bool = False
    references: tuple[Path, ...] = ()
    timeless: bool = False

    @cached_property
    def ready(self) -> Ready:
        """The model, loaded when the first photo could be read."""
        ready = models.load(
            self.registry,
            self.model,
            self.device,
            self.dtype,
            detector=not self.options.aligned or bool(self.references),
            detect_size=self.detect_size,
            compiled=self.compiled,
        )
        if self.options.choose != IDENTITY:
            return referring.measuring(self.registry, ready) if self.options.trust > 1 else ready
        return referring.equipped(self.registry, ready, self.references)


MOST_PHOTOS = 8  # whose faces may wait for a network call; each is held whole
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


def run(
    jobs: list[Job], session: Session, *, dry_run: bool = False, fail_fast: bool = False
) -> int:
    """Do all jobs, see `running.run`."""
    with Account(alone=len(jobs) == 1, fail_fast=fail_fast) as account:
        do(jobs, session, account, dry_run=dry_run)
        return account.close(len(jobs))


def do(jobs: list[Job], session: Session, account: Account, *, dry_run: bool = False) -> None:
    """Do jobs, keeping the account; those of several photos overlap."""
    as_json = session.as_json
    if dry_run:
        running.one_by_one(jobs, partial(_preview, session), account, as_json=as_json)
        return
    with outputs.folders() as make:
        outcomes = partial(_outcomes, session, make, jobs, account)
        running.follow(jobs, outcomes, account, as_json=as_json)


def alone(session: Session, job: Job) -> Record:
    """One photo from reading to writing, without a word; raises what goes wrong."""
    with outputs.folders() as make:
        return _Restoring(session, make, Account(alone=True), NoProgress(), 1).alone(job)


def _outcomes(
    session: Session,
    make: Callable[[Path], None],
    jobs: list[Job],
    account: Account,
    progress: Progress,
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with what waits for its record and reports it."""
    work = _Restoring(session, make, account, progress, len(jobs))
    # A thread that reads standard input could not be stopped.
    if len(jobs) > 1 and overlaps(session) and all(job.source != STREAM for job in jobs):
        done = flow.overlapped(account.going(jobs), work.stages)
    else:
        done = ((job, partial(work.alone, job)) for job in account.going(jobs))
    for job, outcome in done:
        yield job, partial(reported, session, job, outcome)


def overlaps(session: Session) -> bool:
    """Whether photos are read and written beside the networks, and share their calls.

    Where the networks' threads have every core already they would only be held up: on two cores
    a folder then took 8 to 15 % longer, with one core to spare 25 % less.
    """
    spare = session.device.type != "cpu" or torch.get_num_threads() < machine.cores()
    return spare or session.options.batch > 1


@dataclass(frozen=True)
class _Begun:
    """A photo that was read and prepared, and the seconds that took."""

    job: Job
    source: Source
    prepared: Prepared
    seconds: float


class _Restoring:
    """The stages of `pipeline` with reading before them and writing behind."""

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
        self._drawing: Drawing | None = None  # made with the model, when a photo could be read

    @property
    def stages(self) -> flow.Stages[Job, _Begun, Drawn, Record]:
        """For photos that overlap: what runs in threads shows no progress."""
        return flow.Stages(
            partial(self.begin, NoProgress()),
            self.draw,
            self.flush,
            partial(self.end, NoProgress()),
            self.room,
        )

    def alone(self, job: Job) -> Record:
        """One photo from reading to writing."""
        begun = self.begin(self._progress, job)
        drawn = self.draw(begun)
        self.flush()
        return self.end(self._progress, begun, drawn.result())

    def begin(self, progress: Progress, job: Job) -> _Begun:
        """Read the photo, find its faces and cut them out."""
        start, session = time.perf_counter(), self._session
        self._account.begin(job)
        progress.stage("reading")
        source = running.read(job.source)
        if job.target is not None:
            self._make(job.target.parent)
        prepared = pipeline.prepare(source.photo, session.ready, session.options, progress)
        return _Begun(job, source, prepared, time.perf_counter() - start)

    def draw(self, begun: _Begun) -> Future[Drawn]:
        """Send the photo's faces through the networks.

        Raises:
            Unbegun: when the run was stopped meanwhile.
        """
        if self._account.stopped:
            raise Unbegun
        self._progress.photo(Path(begun.job.source).name, self._drawn, self._count)
        self._drawn += 1
        if self._drawing is None:
            session = self._session
            self._drawing = Drawing(session.ready, session.options, self._progress)
        return self._drawing.add(begun.prepared)

    def flush(self) -> None:
        """Draw the faces that wait for others."""
        if self._drawing is not None:
            self._drawing.flush()

    def room(self) -> int:
        """As many photos as one call may hold faces of, bounded for memory, and the next."""
        return 1 + min(MOST_PHOTOS, self._drawing.batches.size if self._drawing else 1)

    def end(self, progress: Progress, begun: _Begun, drawn: Drawn) -> Record:
        """Paste the faces, and write results and record."""
        start, session, job = time.perf_counter(), self._session, begun.job
        result = pipeline.finish(begun.prepared, drawn, session.ready, session.options, progress)
        progress.stage("writing")
        before = begun.seconds + sum(drawn.seconds.values())
        record = sidecar.record(
            result,
            session.ready,
            session.options,
            source=job.source,
            source_sha256=begun.source.sha256,
            outputs=[str(job.sample(k)) for k in range(job.samples)] if job.target else [],
            quality=session.quality,
            seconds=before + time.perf_counter() - start,
        )
        told = sidecar.timeless(record) if session.timeless else record
        beside = {}
        if job.report:
            page = exhibits.restoration(begun.source.photo, result, told)
            beside[job.page] = report.render(page).encode()
        running.write(job, begun.source, result.photos, told, session.quality, beside)
        if session.save_faces and job.target is not None:
            _write_faces(job, result)
        return {"status": "restored" if result.crops else "no face"} | record | told


def _write_faces(job: Job, result: Restoration) -> None:
    folder = job.faces
    known = {found.index: found.trust for found in result.faces}
    with outputs.folder(folder):
        for crops in result.crops:
            named = {"input": crops.original, "estimate": crops.estimate}
            for k, restored in enumerate(crops.restored):
                named["restored" if k == 0 else f"restored.sample{k + 1}"] = restored
            if trust := known.get(crops.index):
                named |= trusted.pictures(crops, trust)
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
        console.out().print(reporting.table(faces))
        if path is not None:
            console.plain(f"Numbered faces: {path}")
        console.plain(
            f"{job.source}: restoring {chosen} of {len(faces)} faces would take about "
            f"{running.duration(cost.seconds)} and {cost.memory / 2**30:.1f} GB of memory."
        )
    return record


def reported(session: Session, job: Job, outcome: Outcome) -> Record:
    """A photo's record, and one line about it, and one for each face that was left alone."""
    record = outcome()
    if session.as_json:
        return record
    for line in reporting.lines(job, record):
        console.plain(line, stderr=job.target is None)
    if not session.timeless:  # a folder of photos would make thousands of tables
        trusting.show(record["faces"], stderr=job.target is None)
    return record
