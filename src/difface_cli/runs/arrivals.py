"""Photos that come into a folder while one looks: told once they are there as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from difface_cli.runs.jobs import Job
from difface_cli.runs.manifest import Stamp

PERIOD = 1.0
"""Seconds between two looks; a file that stays as it is for two of them is taken for whole."""


def settled(
    look: Callable[[], AbstractContextManager[Iterable[Job]]], over: Callable[[], bool]
) -> Iterator[list[Job]]:
    """The photos that have come or changed, each once they have stopped growing.

    Args:
        look: the photos there are.
        over: whether to look no more.
    """
    met: dict[str, tuple[Stamp, float]] = {}
    told: dict[str, Stamp] = {}
    while not over():
        ready = []
        now = time.monotonic()
        with look() as jobs:
            for job in jobs:
                stamp = Stamp.of(Path(job.source))
                if stamp is None or stamp.size == 0 or told.get(job.place) == stamp:
                    continue
                before, since = met.get(job.place, (None, now))
                if before != stamp:
                    met[job.place] = (stamp, now)
                elif now - since >= 2 * PERIOD:
                    told[job.place] = stamp
                    del met[job.place]
                    ready.append(job)
        if ready:
            yield ready
        else:
            _rest(PERIOD, over)


def _rest(seconds: float, over: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        time.sleep(min(0.1, seconds))
