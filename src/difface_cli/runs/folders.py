"""A run over folders: which photos are left, what is noted of them, and how it goes on."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from difface_cli.base.errors import DifFaceError, OutputError, UsageError, known
from difface_cli.images.writing import SUFFIXES
from difface_cli.records.record import Record
from difface_cli.runs import arrivals, ledger, manifest, trees
from difface_cli.runs import jobs as outputs
from difface_cli.runs.account import Account
from difface_cli.runs.jobs import Job
from difface_cli.runs.ledger import Ledger
from difface_cli.runs.manifest import Entry, Stamp
from difface_cli.runs.trees import Jobs, Tree, Wish
from difface_cli.tasks import Restore, Task

Do = Callable[[Jobs, Account], object]


@dataclass(frozen=True)
class Batch:
    """A run over folders.

    Attributes:
        output: the folder of the results.
        like: what holds for each job: samples, preview, report, contact.
        task: reads a file beside each photo, perhaps: a change of it is a change of the photo.
        masks: files and folders that are read beside the photos, and are none of them.
        save_faces: whether the faces of each photo are written as well.
        overwrite: whether files that no run has written may be replaced.
        watch: whether to wait for further photos until the user stops it.
        settings: the fingerprint of all that bears on the results.
    """

    sources: list[str]
    wish: Wish
    output: Path
    like: Job
    task: Task = Restore()  # noqa: RUF009  # it holds nothing
    masks: tuple[Path, ...] = ()
    save_faces: bool = False
    overwrite: bool = False
    fail_fast: bool = False
    watch: bool = False
    settings: str = ""


def wanted(sources: list[str], *options: object) -> bool:
    """Whether these sources, or options that are for folders, make a run over folders."""
    return any(options) or any(map(os.path.isdir, sources))  # no name is too long for it


def folder(output: Path | None, default: Path = outputs.FOLDER) -> Path:
    """The user's -o as the folder of the results; `default` where nothing is said.

    Raises:
        UsageError: when it is no folder.
    """
    if output is None:
        return default
    single = output.suffix.lower() in SUFFIXES or str(output) == outputs.STREAM
    if not output.is_dir() and (single or output.exists()):
        raise UsageError(
            f"{output} cannot hold a folder of photos.", "Give a folder with -o instead."
        )
    return output


def fingerprint(*choices: object) -> str:
    """A hash of everything that bears on the results: records of plain values."""
    return hashlib.sha256(repr(choices).encode()).hexdigest()[:16]


def run(batch: Batch, do: Do, say: Callable[[str], None]) -> Account:
    """Do what is left of the photos.

    Args:
        do: does jobs, keeping the account.
        say: hears a line about the whole before the work begins.

    Returns:
        What came of them.

    Raises:
        UsageError, OutputError: before any work, for folders without photos and for results that
            would take the place of files that no run has written.
    """
    with _look(batch) as tree, ledger.held(batch.output) as books, _Kept(batch, books) as account:
        for path, error in tree.closed:
            account.refuse(str(path), error)
        if batch.watch:
            account.total = _watch(account, do)
            return account

        def is_left(job: Job) -> bool:
            tree.claim(job)
            return account.lacks(job, tree.reads)

        found = len(tree)
        tree.narrow(is_left)
        account.left = len(tree)
        account.total = account.failures + len(tree)
        say(_summary(found, found - len(tree), tree.others))
        if tree:
            do(tree, account)
        return account


@contextmanager
def planned(batch: Batch) -> Iterator[Jobs]:
    """All the photos, whatever was done before.

    Raises:
        UsageError, OutputError: see `run`.
    """
    with _look(batch) as tree:
        for job in tree:
            _refuse(job, batch, tree.reads)
        yield tree


@contextmanager
def _look(batch: Batch) -> Iterator[Tree]:
    if outputs.STREAM in batch.sources:
        raise UsageError("stdin is no folder.", "Name a folder, or leave the options for it out.")
    for source in batch.sources:
        if outputs.same(batch.output, Path(source)):
            raise OutputError(
                f"The output {batch.output} is an input itself, which is never changed.",
                "Choose another folder with -o.",
            )
    with trees.look(batch.sources, batch.wish, batch.output, batch.like, batch.masks) as tree:
        if not (len(tree) or tree.closed or batch.watch):
            raise UsageError(
                f"There is no picture in {', '.join(batch.sources)}.",
                "Name another folder, or --recursive to look into its folders.",
            )
        yield tree


def _settings(job: Job, batch: Batch) -> str:
    """The fingerprint of all that a photo's results follow from beside it."""
    beside = batch.task.reads(job.source, job.place)
    return f"{batch.settings}-{manifest.sha256(beside)[:16]}" if beside else batch.settings


def _refuse(
    job: Job, batch: Batch, reads: Callable[[Path], bool], books: Ledger | None = None
) -> None:
    for path in filter(os.path.lexists, job.files):
        if reads(path):
            raise OutputError(
                f"The output {path} is an input itself, which is never changed.",
                "Choose another folder with -o.",
            )
        name = path.relative_to(batch.output).as_posix()
        if not (batch.overwrite or (books and books.is_ours(name, job.place))):
            raise OutputError(
                f"{path} exists already, and is not as a run has noted it.",
                "Add --overwrite to replace such files, or choose another -o.",
            )


class _Kept(Account):
    """An account that is kept in the books of the folder as well."""

    def __init__(self, batch: Batch, books: Ledger) -> None:
        super().__init__(fail_fast=batch.fail_fast)
        if batch.watch:  # a photo that failed may succeed when it comes again
            self.most = sys.maxsize
        self.batch, self._books = batch, books
        self._began: dict[str, tuple[float, Stamp | None, str]] = {}

    def lacks(self, job: Job, reads: Callable[[Path], bool]) -> bool:
        """Whether a photo is still to be done; one that lacks what is read beside it has failed.

        Args:
            reads: tells the inputs.

        Raises:
            OutputError: for results in the place of inputs or of foreign files.
        """
        try:
            settings = _settings(job, self.batch)
        except DifFaceError as error:
            self.refuse(job.source, error)
            return False
        if self._books.has(job.place, Path(job.source), settings):
            return False
        _refuse(job, self.batch, reads, self._books)
        return True

    def begin(self, job: Job) -> None:
        # The stamp is of before the reading: a file that changes after it is seen to have changed.
        settings = ""  # of a photo whose mask is gone, which reading it will tell
        with suppress(DifFaceError):
            settings = _settings(job, self.batch)
        stamp = Stamp.of(Path(job.source))
        self._began[job.source] = (time.perf_counter(), stamp, settings)
        self._books.begin(job.place)

    def drop(self, job: Job) -> None:
        del self._began[job.source]
        self._books.drop(job.place)

    def end(self, job: Job, record: Record) -> None:
        faces = sorted(job.faces.glob("*.png")) if self.batch.save_faces else []
        names = {
            path.relative_to(self.batch.output).as_posix(): manifest.sha256(path)
            for path in (*job.files, *faces)
        }
        super().end(job, record)
        try:
            self._note(job, record, names)
        except OutputError as error:
            self.refuse(job.source, error)
            self.halt()

    def fail(self, job: Job, error: Exception) -> None:
        super().fail(job, error)
        told = {"status": manifest.FAILED, "error": str(known(error))}
        try:
            self._note(job, told, {})
        except OutputError:  # the photo's own failure says more
            self.halt()

    def _note(self, job: Job, record: Record, names: dict[str, str]) -> None:
        start, stamp, settings = self._began.pop(job.source)
        whole = {"total": round(time.perf_counter() - start, 3)}
        self._books.end(
            Entry(
                photo=job.place,
                input=job.source,
                sha256=record.get("input", {}).get("sha256", ""),
                stamp=stamp,
                settings=settings,
                status=record["status"],
                outputs=names,
                error=record.get("error", ""),
                seconds=record.get("seconds", whole),
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )


def _watch(account: _Kept, do: Do) -> int:
    """Do photos as they come, until the user stops it.

    Returns:
        how many there were.
    """
    met: set[str] = set()

    def is_left(job: Job) -> bool:
        try:
            return account.lacks(job, partial(outputs.same, Path(job.source)))
        except OutputError as error:
            account.refuse(job.source, error)
            return False

    for settled in arrivals.settled(partial(_look, account.batch), lambda: account.stopped):
        jobs = [*filter(is_left, settled)]
        met.update(job.source for job in jobs)
        account.left += len(jobs)
        do(jobs, account)
    return len(met | account.failed.keys())


def _summary(count: int, done: int, others: int) -> str:
    parts = [f"{count} photo{'' if count == 1 else 's'}"]
    if done:
        parts.append(f"{done} of them done already")
    if others:
        parts.append(f"{others} other file{'' if others == 1 else 's'} passed over")
    return ", ".join(parts)
