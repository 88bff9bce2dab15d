"""What a check is, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from difface_cli.base.errors import DifFaceError

OK, NOTE, FAILED = "ok", "note", "failed"


@dataclass(frozen=True)
class Finding:
    """What came of a check.

    Attributes:
        check: what was looked at.
        state: "ok", "note" for what is no fault but may explain something, or "failed".
        told: what was found.
        hint: what to do; of a failure never empty.
    """

    check: str
    state: str
    told: str
    hint: str = ""


@dataclass(frozen=True)
class Check:
    """A name, what looks, and what to do when looking fails."""

    name: str
    look: Callable[[], Iterator[Finding]]
    hint: str


def examine(checks: Sequence[Check]) -> Iterator[Finding]:
    """The findings of all checks, one after the other as they are made."""
    for check in checks:
        try:
            yield from check.look()
        except DifFaceError as error:
            yield Finding(check.name, FAILED, error.message, error.hint or check.hint)
        except (Exception, SystemExit) as error:  # whatever a broken installation does
            text = " ".join(str(error).split())[:300]
            told = f"{type(error).__name__}: {text}" if text else type(error).__name__
            yield Finding(check.name, FAILED, told, check.hint)
