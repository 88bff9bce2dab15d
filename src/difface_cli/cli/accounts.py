"""What came of the photos of a run: counted, told at its end, and the reasons to end it early."""

from __future__ import annotations

import errno
import itertools
import os
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from difface_cli.base.errors import DifFaceError, RegistryError, WeightsInvalid, WeightsMissing
from difface_cli.base.interrupts import Interrupts
from difface_cli.cli import console, failures
from difface_cli.cli.outputs import Job

Record = dict[str, Any]

BATCH_FAILED = 1
ANSWER = "stopping as soon as the photo in hand is done; Ctrl-C again stops at once"
FOR_ALL = (WeightsMissing, WeightsInvalid, RegistryError)
"""Failures that no photo of the run would be spared."""
OF_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
LISTED = 50


class Unbegun(Exception):
    """Of a photo that a run which is stopped leaves to the next."""


class Account:
    """Told of every photo by what does them; while entered, Ctrl-C only ends it early.

    `begin` comes before a photo is read; then either `end`, when all its files stand under their
    names, or `fail`, when none does, or `drop`. They may come from any thread, and for several
    photos at a time.

    Args:
        fail_fast: whether the first failure ends the run.
        alone: whether there is but one photo, whose failure is the run's, and which Ctrl-C stops.
    """

    def __init__(self, *, fail_fast: bool = False, alone: bool = False) -> None:
        self.done: set[str] = set()
        self.failed: dict[str, DifFaceError] = {}
        self._fail_fast = fail_fast
        self._alone = alone
        self._halted = False
        self._interrupts = Interrupts(ANSWER)

    def __enter__(self) -> Account:
        if not self._alone:
            self._interrupts.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._alone:
            return
        self._interrupts.__exit__(kind, error, at)
        if kind is KeyboardInterrupt:
            self._say_how_to_go_on()

    @property
    def interrupted(self) -> bool:
        """Whether the user asked for the end."""
        return self._interrupts.seen

    @property
    def stopped(self) -> bool:
        """Whether no further photo is to be begun."""
        return self.interrupted or self._halted

    def going(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs, as long as the run goes on."""
        return itertools.takewhile(lambda _: not self.stopped, jobs)

    def begin(self, job: Job) -> None:
        """A photo is about to be read."""

    def drop(self, job: Job) -> None:
        """A photo was begun, and the run was stopped before any file of it was written."""

    def end(self, job: Job, record: Record) -> None:
        """All files of a photo stand; `record` is what its sidecar tells, and its status."""
        self.failed.pop(job.source, None)  # at an earlier try
        self.done.add(job.source)

    def fail(self, job: Job, error: Exception) -> None:
        """A photo failed.

        Raises:
            Exception: the failure, where it is the run's.
        """
        if self._alone:
            raise error
        known = failures.known(error)
        if isinstance(known, FOR_ALL):
            raise known from error
        self.refuse(job.source, known)
        cause = error.__cause__
        if self._fail_fast or (isinstance(cause, OSError) and cause.errno in OF_DISK):
            self.halt()
        if os.environ.get("DIFFACE_DEBUG", "0") not in {"", "0"} or "--debug" in sys.argv:
            traceback.print_exception(error)

    def refuse(self, name: str, error: DifFaceError) -> None:
        """Count as failed what was not even begun."""
        self.done.discard(name)
        self.failed[name] = error

    def halt(self) -> None:
        """Let no further photo be begun."""
        self._halted = True

    def close(self, total: int) -> int:
        """Tell what failed, and how to go on when the run stopped early.

        Args:
            total: the number of photos that there were to do.

        Returns:
            the exit code.
        """
        if self.failed:
            console.say("failed", f"{len(self.failed)} of {total} photos:")
            self._list_failures()
        if self.stopped and len(self.done) + len(self.failed) < total:
            left = total - len(self.done) - len(self.failed)
            console.say("stopped", f"{left} of {total} photos are left.", style="bold yellow")
            self._say_how_to_go_on()
            return failures.INTERRUPTED if self.interrupted else BATCH_FAILED
        return BATCH_FAILED if self.failed else 0

    def _list_failures(self) -> None:
        for name, error in [*self.failed.items()][:LISTED]:
            told = str(error)
            console.plain(f"  {told if name in told else f'{name}: {told}'}", stderr=True)
        if len(self.failed) > LISTED:
            console.plain(f"  … and {len(self.failed) - LISTED} more", stderr=True)

    def _say_how_to_go_on(self) -> None:
        command = shlex.join(["difface", *self.arguments(sys.argv[1:])])
        console.plain(f"go on with: {command}", stderr=True)

    def arguments(self, given: list[str]) -> list[str]:
        """The arguments of a command that goes on: those given, without the photos done."""
        return [word for word in given if word not in self.done]
