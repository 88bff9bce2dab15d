"""A share of the fuzzing, the same cases each time; `python -m tests.fuzzing` runs more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from difface_cli.base.errors import ImageError

from . import running
from .running import fuzz
from .target import Target
from .targets import TARGETS

SHARE = 25


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_refused_in_a_sentence_or_read(name: str) -> None:
    outcome = fuzz(name, TARGETS[name], SHARE)
    assert outcome.failures == {}
    assert outcome.cases >= SHARE


def _attempt(case: str, folder: Path) -> None:
    match case:
        case "bug":
            raise KeyError("x")
        case "hint":
            raise ImageError("It is damaged.")
        case "outside":
            (folder.parent / "x").touch()
        case "slow":
            start = time.process_time()
            while time.process_time() < start + 0.2:
                pass
        case "endless":
            while True:
                time.sleep(1)
        case "refused":
            raise ImageError("It is damaged.", "Copy it again.")


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("bug", "KeyError at the target"),
        ("hint", "says too little"),
        ("outside", "a file outside"),
        ("slow", "too slow"),
        ("endless", "hangs"),
        ("refused", ""),
        ("read", ""),
    ],
)
def test_the_watch_sees_every_kind_of_failure(
    case: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WORK", 0.1 if case == "slow" else 10)
    monkeypatch.setattr(running, "HANG", 0.1 if case == "endless" else 300)
    outcome = fuzz("x", Target(st.just(case), _attempt), 1)
    assert len(outcome.failures) == bool(told)
    assert all(kind.startswith(told) for kind in outcome.failures)
    assert outcome.refused == (case == "refused")


def test_memory_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = running._peak()
    grown = [0]
    monkeypatch.setattr(running, "_peak", lambda: peak + grown[0])
    large = Target(st.just("x"), lambda *_: grown.append(grown.pop() + running.MEMORY))
    assert list(fuzz("x", large, 1).failures) == ["too much memory"]
