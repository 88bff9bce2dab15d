"""What came of the photos of a run, and the reasons to end it early."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable, Iterator
from typing import Self

from difface_cli.base.errors import (
    DifFaceError,
    RegistryError,
    WeightsInvalid,
    WeightsMissing,
    known,
)
from difface_cli.base.interrupts import Interrupts
from difface_cli.records.record import Record
from difface_cli.runs.jobs import Job

ANSWER = "stopping as soon as the photo in hand is done; Ctrl-C again stops at once"
FOR_ALL = (WeightsMissing, WeightsInvalid, RegistryError)
"""Failures that no photo of the run would be spared."""
LISTED = 50
"""Failures that are told one by one; of more their number is."""
OF_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Unbegun(Exception):
    """Of a photo that a run which is stopped leaves to the next."""


class Account:
    """Told of every photo by what does them; while entered, Ctrl-C only ends it early.

    `begin` comes before a photo is read; then either `end`, when all its files stand under their
    names, or `fail`, when none does, or `drop`. They may come from any thread, and for several
    photos at a time.

    Args:
        total: how many photos there are, where that is known; if but one, its failure is the
            run's, and Ctrl-C stops it.
        fail_fast: whether the first failure ends the run.
        named: the photos that the user named one by one.

    Attributes:
        done: those of the named photos that are finished.
        failed: photos that are not, and why; the first `most` of them.
        left: how many have neither ended nor failed.
        total: how many there are to do.
    """

    def __init__(
        self, total: int = 0, *, fail_fast: bool = False, named: Iterable[str] = ()
    ) -> None:
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self.left = self.total = total
        self._named = frozenset(named)
        self.most, self._more = LISTED, 0
        self._fail_fast = fail_fast
        self._alone = total == 1
        self._halted = False
        self._interrupts = Interrupts(ANSWER)

    def __enter__(self) -> Self:
        if not self._alone:
            self._interrupts.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._alone:
            self._interrupts.__exit__(*error)

    @property
    def interrupted(self) -> bool:
        """Whether the user asked for the end."""
        return self._interrupts.seen

    @property
    def stopped(self) -> bool:
        """Whether no further photo is to be begun."""
        return self.interrupted or self._halted

    @property
    def failures(self) -> int:
        """How many photos failed."""
        return len(self.failed) + self._more

    def going(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs, as long as the run goes on."""
        return itertools.takewhile(lambda _: not self.stopped, jobs)

    def begin(self, job: Job) -> None:
        """A photo is about to be read."""

    def drop(self, job: Job) -> None:
        """A photo was begun, and the run was stopped before any file of it was written."""

    def end(self, job: Job, record: Record) -> None:
        """All files of a photo stand; `record` is what lies beside its result, and its status."""
        self.failed.pop(job.source, None)  # at an earlier try
        self.done |= self._named & {job.source}
        self.left -= 1

    def fail(self, job: Job, error: Exception) -> None:
        """A photo failed.

        Raises:
            Exception: the failure, where it is the run's.
        """
        if self._alone:
            raise error
        failure = known(error)
        if isinstance(failure, FOR_ALL):
            raise failure from error
        self.left -= 1
        self.refuse(job.source, failure)
        cause = error.__cause__
        if self._fail_fast or (isinstance(cause, OSError) and cause.errno in OF_DISK):
            self.halt()

    def refuse(self, name: str, error: DifFaceError) -> None:
        """Count as failed what was not even begun."""
        if name in self.failed or len(self.failed) < self.most:
            self.failed[name] = str(error)
        else:
            self._more += 1

    def halt(self) -> None:
        """Let no further photo be begun."""
        self._halted = True
