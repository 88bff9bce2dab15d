"""Stages that overlap, with photos that are numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from difface_cli.runs import overlap
from difface_cli.runs.overlap import Stages, overlapped


class Work:
    """Stages that note what they do; `draw` gathers numbers until there are `batch` of them."""

    def __init__(self, batch: int = 1, room: int = 2, fails: tuple[tuple[str, int], ...] = ()):
        self.batch, self.fails = batch, fails
        self.waiting: list[tuple[int, Future[int]]] = []
        self.done: list[tuple[str, int]] = []
        self.threads: dict[str, set[str]] = {"prepare": set(), "draw": set(), "finish": set()}
        self.on_way = self.most = 0
        self.stages: Stages[int, int, int, int] = Stages(
            self.prepare, self.draw, self.flush, self.finish, lambda: room
        )

    def note(self, stage: str, number: int) -> None:
        if (stage, number) in self.fails:
            raise ValueError(f"{stage} {number}")
        self.done.append((stage, number))
        self.threads[stage].add(threading.current_thread().name)

    def prepare(self, number: int) -> int:
        self.on_way += 1
        self.most = max(self.most, self.on_way)
        self.note("prepare", number)
        return number

    def draw(self, number: int) -> Future[int]:
        self.note("draw", number)
        self.waiting.append((number, promise := Future()))
        if len(self.waiting) >= self.batch:
            self.flush()
        return promise

    def flush(self) -> None:
        for number, promise in self.waiting:
            promise.set_result(10 * number)
        self.waiting.clear()

    def finish(self, number: int, drawn: int) -> int:
        self.note("finish", number)
        self.on_way -= 1
        return drawn + number


def results(outcomes: Any) -> list[tuple[int, int | str]]:
    def result(outcome: Callable[[], int]) -> int | str:
        try:
            return outcome()
        except ValueError as error:
            return str(error)

    return [(job, result(outcome)) for job, outcome in outcomes]


@pytest.mark.parametrize(("batch", "room"), [(1, 2), (1, 1), (3, 4), (8, 3), (100, 2)])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
def test_results_come_in_order_whatever_waits_for_what(batch: int, room: int, count: int) -> None:
    work = Work(batch, room)
    assert results(overlapped(range(count), work.stages)) == [(n, 11 * n) for n in range(count)]


def test_each_stage_has_its_thread() -> None:
    work = Work()
    results(overlapped(range(5), work.stages))
    assert work.threads["draw"] == {threading.current_thread().name}
    assert len(work.threads["prepare"] | work.threads["draw"] | work.threads["finish"]) == 3


@pytest.mark.parametrize("batch", [1, 4])
def test_what_fails_fails_alone_and_in_its_place(batch: int) -> None:
    work = Work(batch, 5, fails=(("prepare", 1), ("draw", 3), ("finish", 4)))
    assert results(overlapped(range(6), work.stages)) == [
        (0, 0), (1, "prepare 1"), (2, 22), (3, "draw 3"), (4, "finish 4"), (5, 55),
    ]  # fmt: skip


@pytest.mark.parametrize("room", [1, 2, 4])
def test_photos_on_their_way_are_bounded(room: int) -> None:
    work = Work(room=room)
    slow = threading.Event()
    finish = work.finish

    def late(number: int, drawn: int) -> int:
        slow.wait(0.002)  # the stage that holds the others up
        return finish(number, drawn)

    stages = Stages(work.prepare, work.draw, work.flush, late, lambda: room)
    assert len(results(overlapped(range(40), stages))) == 40
    assert work.most <= room + overlap.AHEAD + 1


def test_an_interrupt_finishes_what_is_drawn_and_nothing_else() -> None:
    work = Work(room=4)
    draw = work.draw

    def interrupted(number: int) -> Future[int]:
        if number == 3:
            raise KeyboardInterrupt
        return draw(number)

    stages = Stages(work.prepare, interrupted, work.flush, work.finish, lambda: 4)
    given = []
    with pytest.raises(KeyboardInterrupt):
        for job, outcome in overlapped(range(9), stages):
            given.append((job, outcome()))
    assert given == [(0, 0), (1, 11), (2, 22)]
    assert not {("draw", 3), ("finish", 3), ("prepare", 8)} & set(work.done)


def test_what_waits_for_a_batch_is_not_finished_after_an_interrupt() -> None:
    work = Work(batch=2, room=8)
    draw = work.draw

    def interrupted(number: int) -> Future[int]:
        promise = draw(number)
        if number == 4:
            raise KeyboardInterrupt
        return promise

    stages = Stages(work.prepare, interrupted, work.flush, work.finish, lambda: 8)
    given = []
    with pytest.raises(KeyboardInterrupt):
        for job, outcome in overlapped(range(9), stages):
            given.append((job, outcome()))
    assert given == [(0, 0), (1, 11), (2, 22), (3, 33)]
