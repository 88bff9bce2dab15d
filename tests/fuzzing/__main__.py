"""Fuzz every reader: `python -m tests.fuzzing [CASES] [TARGET]...`.

Tells for each target how many cases were taken, refused, or made it fail, the slowest, and how
much memory the process took. Every kind of failure is told once, with a case for it.
"""

from __future__ import annotations

import sys

from .running import fuzz
from .targets import TARGETS

DEFAULT = 6000


def main(cases: int, names: list[str]) -> int:
    """Throw `cases` at the targets, equally many at each; 1 when one of them failed."""
    chosen = names or list(TARGETS)
    outcomes = []
    for name in chosen:
        outcome = fuzz(name, TARGETS[name], -(-cases // len(chosen)))
        outcomes.append(outcome)
        print(outcome, flush=True)
    total = sum(outcome.cases for outcome in outcomes)
    failures = sum(len(outcome.failures) for outcome in outcomes)
    print(f"{total} cases, {failures} kinds of failures")
    return int(failures > 0)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    count = int(arguments.pop(0)) if arguments and arguments[0].isdecimal() else DEFAULT
    raise SystemExit(main(count, arguments))
