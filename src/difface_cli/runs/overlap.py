"""Many photos through three stages that overlap: reading ahead, drawing, writing behind.

The networks run in the caller's thread, so that progress and Ctrl-C have one place. One thread
prepares the photos that come next, another finishes those that are drawn, each in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

J = TypeVar("J")
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")

AHEAD = 2  # photos that are prepared before the networks ask for them


@dataclass(frozen=True)
class Stages(Generic[J, P, D, R]):
    """What is done with each photo; one that a stage raises for fails alone.

    Attributes:
        prepare: runs in a thread of its own.
        draw: runs in the caller's; what it promises may come with a later photo, or `flush`.
        flush: runs in the caller's; lets all that `draw` promised come.
        finish: runs in a thread of its own.
        room: how many photos may be between the start of `draw` and the end of `finish`.
    """

    prepare: Callable[[J], P]
    draw: Callable[[P], Future[D]]
    flush: Callable[[], None]
    finish: Callable[[P, D], R]
    room: Callable[[], int]


def overlapped(
    jobs: Iterable[J], stages: Stages[J, P, D, R]
) -> Iterator[tuple[J, Callable[[], R]]]:
    """Do all jobs, and give each, in their order, with what waits for its result or raises.

    When the caller is interrupted, photos that are drawn already are finished and given before
    the KeyboardInterrupt goes on.
    """
    behind = ThreadPoolExecutor(1, "finish")
    on_way: deque[tuple[J, Future[D], Future[R]]] = deque()
    try:
        for job, prepared in _ahead(stages.prepare, jobs):
            drawn = _drawn(stages.draw, prepared)
            on_way.append((job, drawn, behind.submit(_finish, stages.finish, prepared, drawn)))
            full = len(on_way) >= stages.room()
            if full and not on_way[0][1].done():
                stages.flush()
            while on_way and (full or on_way[0][2].done()):
                yield _first(on_way)
                full = False
        stages.flush()
        while on_way:
            yield _first(on_way)
    except KeyboardInterrupt:
        while on_way:
            if on_way[0][1].cancel():  # it was not drawn
                on_way.popleft()
            else:
                yield _first(on_way)
        raise
    finally:
        for _, drawn, _ in on_way:
            drawn.cancel()
        behind.shutdown(cancel_futures=True)


def _ahead(prepare: Callable[[J], P], jobs: Iterable[J]) -> Iterator[tuple[J, Future[P]]]:
    """Prepare jobs in a thread, a few before they are asked for."""
    thread = ThreadPoolExecutor(1, "prepare")
    coming: deque[tuple[J, Future[P]]] = deque()
    try:
        for job in jobs:
            coming.append((job, thread.submit(prepare, job)))
            if len(coming) > AHEAD:
                yield coming.popleft()
        while coming:
            yield coming.popleft()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def _drawn(draw: Callable[[P], Future[D]], prepared: Future[P]) -> Future[D]:
    try:
        return draw(prepared.result())
    except Exception as error:  # raised again where the photo's result is waited for
        failed: Future[D] = Future()
        failed.set_exception(error)
        return failed


def _finish(finish: Callable[[P, D], R], prepared: Future[P], drawn: Future[D]) -> R:
    return finish(prepared.result(), drawn.result())


def _first(on_way: deque[tuple[J, Future[D], Future[R]]]) -> tuple[J, Callable[[], R]]:
    job, _, finished = on_way.popleft()
    return job, finished.result
