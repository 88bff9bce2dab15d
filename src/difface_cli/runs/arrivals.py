"""Photos that come into a folder while one looks: told once they are there as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from difface_cli.runs.manifest import Stamp
from difface_cli.runs.trees import Photo

PERIOD = 1.0
"""Seconds between two looks; a file that stays as it is for two of them is taken for whole."""


def settled(
    look: Callable[[], Iterable[Photo]], over: Callable[[], bool]
) -> Iterator[tuple[Photo, ...]]:
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
        for photo in look():
            stamp = Stamp.of(photo.path)
            if stamp is None or stamp.size == 0 or told.get(photo.name) == stamp:
                continue
            before, since = met.get(photo.name, (None, now))
            if before != stamp:
                met[photo.name] = (stamp, now)
            elif now - since >= 2 * PERIOD:
                told[photo.name] = stamp
                del met[photo.name]
                ready.append(photo)
        if ready:
            yield tuple(ready)
        else:
            _rest(PERIOD, over)


def _rest(seconds: float, over: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        time.sleep(min(0.1, seconds))
