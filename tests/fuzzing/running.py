"""Cases one after the other, watched: what they raise, how much work and memory they take."""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from difface_cli.base.errors import DifFaceError

from .target import Target

WORK = 10.0
"""Most seconds of the processor's that a case may take, however busy that is with others."""
HANG = 300.0
"""Seconds after which a case that still goes on is taken to go on for ever."""
MEMORY = 10**9
"""Most bytes by which a case may grow the process."""
SOURCES = Path(__file__).parents[2] / "src"


class Hang(BaseException):
    """A case that took too long; no `except Exception` stops it."""


@dataclass
class Outcome:
    """What came of one target's cases.

    Attributes:
        failures: kind of failure → the case.
        slowest, memory: the processor's seconds, and bytes of the largest growth by one case.
    """

    name: str
    cases: int = 0
    refused: int = 0
    slowest: float = 0.0
    memory: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        line = (
            f"{self.name:18} {self.cases:6} cases {self.refused:6} refused "
            f"{self.slowest:6.2f} s {self.memory / 1e6:6.0f} MB"
        )
        return "\n".join([line, *(f"  {kind}\n    {case}" for kind, case in self.failures.items())])


def fuzz(name: str, target: Target, count: int, start: int = 0) -> Outcome:
    """Run `count` cases that follow from `start` alone, whatever each of them raises."""
    outcome = Outcome(name)

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.cases)
    def each(case: Any) -> None:
        _one(target, case, outcome)

    each()
    return outcome


def _one(target: Target, case: Any, outcome: Outcome) -> None:
    outcome.cases += 1
    before, start = _peak(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "own")
        own.mkdir()
        failure = _failure(target, case, own)
        if len(list(Path(folder).iterdir())) > 1:
            failure = "a file outside its folder"
    taken, grown = time.process_time() - start, _peak() - before
    outcome.slowest = max(outcome.slowest, taken)
    outcome.memory = max(outcome.memory, grown)
    if failure in (None, "refused") and taken > WORK:
        failure = "too slow"
    if failure in (None, "refused") and grown >= MEMORY:
        failure = "too much memory"
    if failure == "refused":
        outcome.refused += 1
    elif failure is not None:
        outcome.failures.setdefault(failure, _shown(case))


def _shown(case: Any) -> str:
    try:
        return repr(case)[:3000]
    except RecursionError:
        return "deeply nested"


def _failure(target: Target, case: Any, folder: Path) -> str | None:
    """None for what was read, "refused" for what was refused as it should be."""
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, HANG)
    try:
        target.attempt(case, folder)
    except DifFaceError as error:
        told = error.message.strip() and "\n" not in error.message and error.hint
        return "refused" if told else f"says too little: {error!r}"
    except Hang:
        return f"hangs at {_place(sys.exc_info()[2])}"
    except Exception as error:
        return f"{type(error).__name__} at {_place(error.__traceback__)}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _stop(*_: object) -> None:
    raise Hang


def _place(trace: Any) -> str:
    """The innermost line of our own on the way to a failure."""
    ours = [f for f in traceback.extract_tb(trace) if f.filename.startswith(str(SOURCES))]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "the target"


def _peak() -> int:
    """The most memory this process ever had resident, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
