"""What the commands on photos share: from what was asked for to a run, and what it prints."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from difface_cli.base.errors import DifFaceError, UsageError
from difface_cli.base.progress import Progress
from difface_cli.cli import console, failures, lines, values
from difface_cli.method.difface import Settings
from difface_cli.models import max_n, resolve_device, resolve_precision, with_parts
from difface_cli.records.record import Record
from difface_cli.runs import folders, references, run, work
from difface_cli.runs import jobs as outputs
from difface_cli.runs.account import LISTED, Account
from difface_cli.runs.folders import Batch
from difface_cli.runs.jobs import Job
from difface_cli.runs.listener import Silent
from difface_cli.runs.session import Session
from difface_cli.runs.trees import Jobs, Wish
from difface_cli.tasks import Task, options
from difface_cli.trust.choosing import IDENTITY
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry

BATCH_FAILED = 1


@dataclass(frozen=True)
class Asked:
    """The options that all commands on photos share, by the names of `command`'s parameters.

    Attributes:
        default: the folder of the results where no -o names another.
        masks: files and folders that are read beside the photos.
    """

    given: Mapping[str, Any]
    default: Path = outputs.FOLDER
    masks: Sequence[Path] = ()

    def __getattr__(self, name: str) -> Any:
        """An option by its name."""
        try:
            return self.given[name]
        except KeyError:
            raise AttributeError(name) from None

    def chosen(self, task: type[Task]) -> tuple[Registry, Model]:
        """All models, and the one that was asked for, or else the starter's for the task.

        Raises:
            RegistryError: for one that is not there.
        """
        known = registry.load(self.models)
        own = "starter" if task.name == "restore" else f"starter-{task.name}"
        return known, known.model(self.model or own, task.name)

    def settings(self, model: Model, n: int | None) -> Settings:
        """The method's settings."""
        sampler = self.sampler.value if self.sampler else None
        return options.settings(
            model, n, self.steps, self.eta, sampler, self.guidance, fast=self.fast
        )

    def session(
        self, task: Task, known: Registry, model: Model, settings: Settings, **wishes: Any
    ) -> Session:
        """What was chosen, checked.

        Args:
            wishes: further fields of `Options`.

        Raises:
            UsageError, DeviceError: naming what cannot be done.
        """
        wished = options.Options(
            settings=settings,
            seed=self.seed,
            samples=self.samples,
            choose=self.choose.value if self.choose else "",
            aligned=self.aligned,
            faces=self.faces,
            by_hand=values.faces(self.face, self.landmarks, self.photos),
            min_face=self.min_face,
            batch=values.batch(self.batch),
            trust=self.trust,
            **wishes,
        )
        model = with_parts(known, model, detector=self.detector)
        options.check(wished, model.name, max_n(known, model))
        if self.reference_photos and wished.choose != IDENTITY and not wished.guide:
            raise UsageError(
                "--reference-photos choose by identity, or guide what is drawn.",
                "Add --choose identity --samples 4, or --guide 0.5.",
            )
        if wished.guide and not self.reference_photos:
            raise UsageError(
                "--guide needs other photos of the person.", "Add --reference-photos DIR."
            )
        place = resolve_device(self.device.value)
        people = references.photos_in(self.reference_photos) if self.reference_photos else ()
        return Session(
            known, model, place, resolve_precision(self.precision.value, place), task, wished,
            detect_size=self.detect_size, quality=self.quality, save_faces=self.save_faces,
            compiled=self.compiled, references=people,
        )  # fmt: skip


def go(session: Session, asked: Asked) -> int:
    """Do the photos, and tell of them; the exit code."""
    with console.warnings():
        return _go(session, asked)


def _go(session: Session, asked: Asked) -> int:
    of_folders = (asked.recursive, asked.watch, asked.include, asked.exclude)
    like = Job("", None, session.options.results, asked.dry_run, asked.report, session.task.sheet)
    if folders.wanted(asked.photos, *of_folders, asked.engine.value == "ray"):
        return _folders(session, asked, like)
    jobs = outputs.plan(
        asked.photos,
        asked.output,
        like,
        overwrite=asked.overwrite,
        masks=asked.masks,
        folder=asked.default,
    )
    return _named(session, asked, jobs)


def _named(session: Session, asked: Asked, jobs: Jobs) -> int:
    """Do these photos, whatever was done before."""
    listener = Printer(session, as_json=asked.as_json)
    account = Account(len(jobs), fail_fast=asked.fail_fast, named=asked.photos)
    with (
        _resumable(account),
        account,
        console.photo_progress(len(jobs), quiet=asked.as_json) as progress,
    ):
        if asked.dry_run:
            run.one_by_one(jobs, partial(work.look, session), account, listener, progress)
        else:
            run.restore(jobs, session, account, listener, progress)
    return close(account)


def _folders(session: Session, asked: Asked, like: Job) -> int:
    """Do what is left of folders; a dry run looks at all of it."""
    batch = Batch(
        sources=asked.photos,
        wish=Wish(asked.recursive, tuple(asked.include), tuple(asked.exclude)),
        output=folders.folder(asked.output, asked.default),
        like=like,
        task=session.task,
        masks=tuple(asked.masks),
        overwrite=asked.overwrite,
        save_faces=session.save_faces,
        fail_fast=asked.fail_fast,
        watch=asked.watch,
    )
    if asked.dry_run:
        with folders.planned(batch) as jobs:
            return _named(session, asked, jobs)
    session = replace(session, timeless=True)
    batch = replace(batch, settings=folders.fingerprint(*session.choices(), asked.report))
    listener = Printer(session, as_json=asked.as_json)

    def do(jobs: Jobs, account: Account) -> None:
        with console.photo_progress(len(jobs), quiet=asked.as_json) as progress:
            if asked.engine.value == "ray":
                from difface_cli.runs import cluster

                cluster.restore(jobs, session, account, listener, progress, asked.workers)
                return
            _ = session.ready  # a model that is missing is no failure of the first photo
            run.restore(jobs, session, account, listener, progress)

    def say(line: str) -> None:
        if not asked.as_json:
            console.plain(line, stderr=True)

    with _resumable():
        account = folders.run(batch, do, say)
    return close(account)


def each(jobs: list[Job], do: Callable[[Job, Progress], Record]) -> int:
    """Do something else with each photo than a task, without a line about each; the exit code."""
    account = Account(len(jobs), named=(job.source for job in jobs))
    with _resumable(account), account, console.photo_progress(len(jobs)) as progress:
        run.one_by_one(jobs, do, account, Silent(), progress)
    return close(account)


class Printer:
    """Prints what a run tells: lines for people, or a line of JSON a photo."""

    def __init__(self, session: Session, *, as_json: bool = False) -> None:
        self._session, self._as_json = session, as_json

    def done(self, job: Job, record: Record) -> None:
        """A photo's lines, and a table of its faces unless thousands of photos would make many."""
        warning = record.pop("warning", None)
        if warning:
            console.warn(*warning)
        if self._as_json:
            self._write(job, record)
            return
        stderr = job.target is None
        if record["status"] == "dry run":
            lines.preview(job, record, self._session.task)
            return
        for line in lines.of(job, record, self._session.task):
            console.plain(line, stderr=stderr)
        if not self._session.timeless:
            lines.trust(record["faces"], stderr=stderr)

    def failed(self, job: Job, error: Exception, failure: DifFaceError) -> None:
        """A line of JSON; for people, failures are listed at the end."""
        if _debugging():
            traceback.print_exception(error)
        if self._as_json:
            told = {"status": "failed", "input": {"path": job.source}, "error": str(failure)}
            self._write(job, told)

    def _write(self, job: Job, record: Record) -> None:
        if job.target is not None:
            sys.stdout.write(work.as_json(record) + "\n")
            sys.stdout.flush()


def close(account: Account) -> int:
    """Tell what failed, and how to go on when the run stopped early; the exit code."""
    if account.failed:
        console.say("failed", f"{account.failures} of {account.total} photos:")
        for name, told in [*account.failed.items()][:LISTED]:
            console.plain(f"  {told if name in told else f'{name}: {told}'}", stderr=True)
        if account.failures > LISTED:
            console.plain(f"  … and {account.failures - LISTED} more", stderr=True)
    if account.stopped and account.left:
        told = f"{account.left} of {account.total} photos are left."
        console.say("stopped", told, style="bold yellow")
        _say_how_to_go_on(account.done)
        return failures.INTERRUPTED if account.interrupted else BATCH_FAILED
    return BATCH_FAILED if account.failed else 0


@contextmanager
def _resumable(account: Account | None = None) -> Iterator[None]:
    """Says how to go on where Ctrl-C stops a run at once."""
    try:
        yield
    except KeyboardInterrupt:
        if account is None or account.total != 1:
            _say_how_to_go_on(account.done if account else set())
        raise


def _say_how_to_go_on(done: set[str]) -> None:
    given = [word for word in sys.argv[1:] if word not in done]
    console.plain(f"go on with: {shlex.join(['difface', *given])}", stderr=True)


def _debugging() -> bool:
    return os.environ.get("DIFFACE_DEBUG", "0") not in {"", "0"} or "--debug" in sys.argv
