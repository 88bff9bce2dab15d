"""Photos done one after the other, or several at a time, each told of as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from difface_cli.base.errors import known
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.records.record import Record
from difface_cli.runs import jobs as outputs
from difface_cli.runs import overlap, work
from difface_cli.runs.account import Account, Unbegun
from difface_cli.runs.jobs import STREAM, Job
from difface_cli.runs.listener import Guarded, Listener
from difface_cli.runs.session import Session
from difface_cli.runs.trees import Jobs

Outcome = Callable[[], Record]
Outcomes = Iterable[tuple[Job, Outcome]]


def restore(
    jobs: Jobs,
    session: Session,
    account: Account,
    listener: Listener,
    progress: Progress | None = None,
) -> None:
    """Do jobs, keeping the account; those of several photos overlap."""
    progress = progress or NoProgress()
    with outputs.folders() as make:
        doing = work.Work(session, make, account, progress, len(jobs))
        # A thread that reads standard input could not be stopped.
        if len(jobs) > 1 and session.overlaps and all(job.source != STREAM for job in jobs):
            follow(overlap.overlapped(account.going(jobs), doing.stages), account, listener)
        else:
            going = account.going(jobs)
            follow(((job, partial(doing.alone, job)) for job in going), account, listener)


def one_by_one(
    jobs: Jobs,
    do: Callable[[Job, Progress], Record],
    account: Account,
    listener: Listener,
    progress: Progress | None = None,
) -> None:
    """Do something else with each photo than restoring it, keeping the account."""
    shown = progress or NoProgress()

    def outcomes() -> Iterator[tuple[Job, Outcome]]:
        for index, job in enumerate(account.going(jobs)):
            shown.photo(Path(job.source).name, index, len(jobs))
            account.begin(job)
            yield job, partial(do, job, shown)

    follow(outcomes(), account, listener)


def follow(outcomes: Outcomes, account: Account, listener: Listener) -> None:
    """Tell of each photo as it is done.

    Args:
        outcomes: each job in its order, with what gives its record once its results are written,
            or raises: `account.Unbegun` where the run was stopped before it.
    """
    guarded = Guarded(listener)
    for job, outcome in outcomes:
        try:
            record = outcome()
        except Unbegun:
            account.drop(job)
        except Exception as error:
            account.fail(job, error)
            guarded.failed(job, error, known(error))
        else:
            account.end(job, record)
            guarded.done(job, record)
