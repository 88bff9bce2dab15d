"""Photos are told when they are whole, once, and again when they change."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from difface_cli.runs.arrivals import settled
from difface_cli.runs.jobs import Job


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difface_cli.runs.arrivals.PERIOD", 0.002)


def job(path: Path) -> Job:
    return Job(str(path), None, place=path.name)


def test_a_growing_file_waits_until_it_grows_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    looks = 0
    told: list[int] = []

    def look() -> AbstractContextManager[list[Job]]:
        nonlocal looks
        looks += 1
        if looks <= 5 or looks == 30:
            path.write_bytes(bytes(looks))
        return nullcontext([job(path), job(tmp_path / "gone.jpg")])

    for jobs in settled(look, lambda: looks >= 60):
        assert [job.source for job in jobs] == [str(path)]
        told.append(path.stat().st_size)
    assert told == [5, 30]


def test_an_empty_file_is_still_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    looks: list[int] = []

    def look() -> AbstractContextManager[list[Job]]:
        looks.append(1)
        return nullcontext([job(path)])

    assert not list(settled(look, lambda: len(looks) > 20))
