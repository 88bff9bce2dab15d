"""What the commands on photos share: the loop over them, reading, and writing results whole."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from difface_cli import images
from difface_cli.base import atomic
from difface_cli.base.progress import Progress
from difface_cli.cli import accounts, console, outputs
from difface_cli.cli.accounts import Account, Unbegun
from difface_cli.cli.outputs import STREAM, Job
from difface_cli.images import Photo
from difface_cli.images.writing import SUFFIXES

NONE: Mapping[Path, bytes] = MappingProxyType({})

Record = accounts.Record
Work = Callable[[Job, Progress], Record]
Outcome = Callable[[], Record]


@dataclass(frozen=True)
class Source:
    """A photo that was read, the hash of its file, and the file's bytes when they are needed."""

    photo: Photo
    sha256: str
    data: Callable[[], bytes]


def run(jobs: list[Job], work: Work, *, as_json: bool) -> int:
    """Do all jobs, one after the other; a photo that fails does not stop the others.

    Args:
        work: does one job and gives its record.
        as_json: whether each record is printed as a line of JSON; nothing else goes to stdout.

    Returns:
        0; 1 when some of several photos failed; 130 when the user stopped it before its end.

    Raises:
        DifFaceError: when the only photo failed.
    """
    with Account(alone=len(jobs) == 1) as account:
        one_by_one(jobs, work, account, as_json=as_json)
        return account.close(len(jobs))


def one_by_one(jobs: list[Job], work: Work, account: Account, *, as_json: bool) -> None:
    """Do jobs one after the other, keeping the account."""

    def outcomes(progress: Progress) -> Iterator[tuple[Job, Outcome]]:
        for index, job in enumerate(account.going(jobs)):
            progress.photo(Path(job.source).name, index, len(jobs))
            account.begin(job)
            yield job, partial(work, job, progress)

    follow(jobs, outcomes, account, as_json=as_json)


def follow(
    jobs: list[Job],
    outcomes: Callable[[Progress], Iterable[tuple[Job, Outcome]]],
    account: Account,
    *,
    as_json: bool,
) -> None:
    """Tell of each photo as it is done.

    Args:
        outcomes: each job in its order, with what gives its record once its results are written,
            or raises: `accounts.Unbegun` where the run was stopped before it.
    """
    with console.photo_progress(len(jobs), quiet=as_json) as progress:
        for job, outcome in outcomes(progress):
            try:
                record = outcome()
            except Unbegun:
                account.drop(job)
                continue
            except Exception as error:
                account.fail(job, error)
                told = str(account.failed[job.source])
                record = {"status": "failed", "input": {"path": job.source}, "error": told}
            else:
                account.end(job, record)
            if as_json and job.target is not None:
                sys.stdout.write(_json(record) + "\n")
                sys.stdout.flush()


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
    """The folder of the job's results, made before the work; see `outputs.folder`."""
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
        atomic.write(job.files[-1], (_json(record, indent=2) + "\n").encode())


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes / 60:.1f} h"


def _json(record: Record, indent: int | None = None) -> str:
    """The record as JSON; bytes of a file's name that are no UTF-8 become escapes."""
    text = json.dumps(record, ensure_ascii=False, indent=indent)
    return text.encode(errors="backslashreplace").decode()


def _from(folder: Path, source: str) -> str:
    """The input's path from the record's folder, so that both can move together."""
    if source == STREAM:
        return ""
    try:
        return os.path.relpath(os.path.realpath(source), os.path.realpath(folder))
    except ValueError:  # on another drive
        return ""


def encoded(source: Source, photo: Photo, target: Path | None, quality: int) -> bytes:
    """The bytes of one result; the input's own where nothing was done to it."""
    format = source.photo.format if source.photo.format in SUFFIXES.values() else "PNG"
    if target is not None:
        format = images.format_for(target)
    if photo is source.photo and format == photo.format:
        return source.data()
    return images.encode(photo, format, quality)
