"""What a run tells as it goes, to whoever prints it, shows it, or hands it to a caller."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from difface_cli.base.errors import DifFaceError
from difface_cli.records.record import Record
from difface_cli.runs.jobs import Job


class Listener(Protocol):
    """Hears of every photo. What it raises is lost: telling never fails a photo."""

    def done(self, job: Job, record: Record) -> None:
        """A photo's files stand; `record` is what lies beside them, with a `status`."""

    def failed(self, job: Job, error: Exception, failure: DifFaceError) -> None:
        """A photo failed by `error`, which `failure` puts in a sentence."""


class Silent:
    """A listener that keeps to itself."""

    def done(self, job: Job, record: Record) -> None:
        """Say nothing."""

    def failed(self, job: Job, error: Exception, failure: DifFaceError) -> None:
        """Say nothing."""


class Guarded:
    """Passes on what is told, and lives with a listener that cannot print any more."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def done(self, job: Job, record: Record) -> None:
        """Pass it on."""
        with suppress(Exception):
            self._listener.done(job, record)

    def failed(self, job: Job, error: Exception, failure: DifFaceError) -> None:
        """Pass it on."""
        with suppress(Exception):
            self._listener.failed(job, error, failure)
