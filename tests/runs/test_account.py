"""What an account tells of a run, whatever the number of its photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from difface_cli.base.errors import ImageError
from difface_cli.runs.account import LISTED, Account
from difface_cli.runs.jobs import Job

RECORD: Any = {"status": "restored"}


def job(k: int) -> Job:
    return Job(f"{k}.jpg", Path(f"out/{k}.jpg"))


def test_of_a_million_failures_a_few_are_kept_and_all_are_counted() -> None:
    account = Account(10 * LISTED)
    for k in range(9 * LISTED):
        account.fail(job(k), ImageError(f"{k}.jpg is empty."))
    assert account.failures == 9 * LISTED
    assert len(account.failed) == LISTED
    assert account.failed["0.jpg"] == "0.jpg is empty."
    assert account.left == LISTED


def test_of_photos_done_those_that_the_user_named_are_kept() -> None:
    account = Account(3, named=["1.jpg", "2.jpg"])
    for k in (0, 1):
        account.end(job(k), RECORD)
    assert account.done == {"1.jpg"}
    assert account.left == 1


def test_a_photo_that_succeeds_when_it_comes_again_has_not_failed() -> None:
    account = Account(2)
    account.fail(job(0), ImageError("0.jpg is empty."))
    account.end(job(0), RECORD)
    assert not account.failed
    assert account.failures == 0
