"""`--engine ray`: photos on the workers of a Ray cluster, by default one on this machine.

Each worker loads the model once and does one photo at a time. Folders, manifest and account stay
with the caller; a photo whose worker died is given to another.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from difface_cli.base.errors import DeviceError, DifFaceError, UsageError, known
from difface_cli.base.progress import Progress
from difface_cli.records.record import Record
from difface_cli.runs import run, work
from difface_cli.runs.account import Account
from difface_cli.runs.jobs import Job
from difface_cli.runs.listener import Listener
from difface_cli.runs.run import Outcome
from difface_cli.runs.session import Session
from difface_cli.runs.trees import Jobs

TRIES = 3  # of a photo whose worker dies; the photo may be why
ADDRESS = "RAY_ADDRESS"
# Set before Ray is imported, which reads them then.
QUIET = {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_USAGE_STATS_ENABLED": "0"}


def restore(
    jobs: Jobs,
    session: Session,
    account: Account,
    listener: Listener,
    progress: Progress,
    workers: int = 0,
) -> None:
    """Do jobs on that many workers (0 for as many as there are processors or GPUs).

    Raises:
        UsageError: when Ray is not installed, or its cluster does not answer.
    """
    with _cluster() as ray:
        crew = _Crew(ray, session, min(workers or _room(ray, session), len(jobs)))
        run.follow(_outcomes(crew, jobs, account, progress), account, listener)


@dataclass
class _Sent:
    """A photo in the hands of a worker."""

    job: Job
    worker: Any
    tries: int


class Worker:
    """What runs on a worker: a model, and one photo at a time."""

    def __init__(self, session: Session, folder: str, threads: int) -> None:
        import torch

        os.chdir(folder)  # that the names of photos are relative to
        torch.set_num_threads(threads)
        self._session = session

    def do(self, job: Job) -> tuple[Record, None] | tuple[DifFaceError, int | None]:
        """The photo's record; or why it failed, with the number of the system's error."""
        try:
            return work.alone(self._session, job), None
        except Exception as error:
            cause = error.__cause__
            return known(error), cause.errno if isinstance(cause, OSError) else None


class _Crew:
    """The workers, of which one that dies is replaced."""

    def __init__(self, ray: Any, session: Session, count: int) -> None:
        self.ray = ray
        self.session = session
        self.idle: deque[Any] = deque()
        self.sent: dict[Any, _Sent] = {}
        share = _share(ray, count)
        self._threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or max(1, int(share))
        gpus = 1 if session.device.type == "cuda" else 0
        self._kind = ray.remote(num_cpus=share, num_gpus=gpus)(Worker)
        self._session = ray.put(session)
        for _ in range(count):
            self.hire()

    def hire(self) -> None:
        """Start another worker."""
        self.idle.append(self._kind.remote(self._session, os.getcwd(), self._threads))

    def send(self, job: Job, tries: int = 1) -> None:
        """Give a photo to an idle worker."""
        worker = self.idle.popleft()
        self.sent[worker.do.remote(job)] = _Sent(job, worker, tries)

    def receive(self) -> tuple[Job, Outcome] | None:
        """Wait for a photo; None when its worker died, and another has it now."""
        (done,), _ = self.ray.wait(list(self.sent), num_returns=1)
        sent = self.sent.pop(done)
        try:
            answer = self.ray.get(done)
        except self.ray.exceptions.RayActorError:
            self.hire()
            if sent.tries < TRIES:
                self.send(sent.job, sent.tries + 1)
                return None
            answer = _killer(), None
        else:
            self.idle.append(sent.worker)
        return sent.job, partial(_opened, answer)


def _outcomes(
    crew: _Crew, jobs: Jobs, account: Account, progress: Progress
) -> Iterator[tuple[Job, Outcome]]:
    left = account.going(jobs)
    done = 0
    while True:
        while crew.idle and (job := next(left, None)):
            account.begin(job)
            crew.send(job)
        if not crew.sent:
            return
        if received := crew.receive():
            job, outcome = received
            progress.photo(os.path.basename(job.source), done, len(jobs))
            done += 1
            yield job, outcome


def _opened(answer: tuple[Any, int | None]) -> Record:
    """The record that a worker gave, or its failure raised again."""
    found, number = answer
    if isinstance(found, DifFaceError):
        raise found from (None if number is None else OSError(number, os.strerror(number)))
    record: Record = found
    return record


def _killer() -> DeviceError:
    return DeviceError(
        f"The worker died {TRIES} times at this photo, perhaps for want of memory.",
        "Restore it by itself, or give fewer --workers.",
    )


def _share(ray: Any, count: int) -> float:
    """Processors for each of the workers; no more than the smallest machine has."""
    processors = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    processors = [number for number in processors if number] or [1]
    share = min(sum(processors) / count, min(processors))
    return float(int(share)) if share >= 1 else share


def _room(ray: Any, session: Session) -> int:
    """As many workers as there are processors, or GPUs where these compute."""
    kind = "GPU" if session.device.type == "cuda" else "CPU"
    return max(1, int(ray.cluster_resources().get(kind, 1)))


@contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected to the cluster that RAY_ADDRESS names, or to one started here and ended."""
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--engine ray needs Ray, which is not installed.", "pip install 'difface-cli[ray]'"
        ) from None
    if ray.is_initialized():  # by who calls this
        yield ray
        return
    try:
        ray.init(
            address=os.environ.get(ADDRESS) or "local",
            include_dashboard=None if os.environ.get(ADDRESS) else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"Ray does not start: {str(error).splitlines()[0]}.", f"Check {ADDRESS}."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
