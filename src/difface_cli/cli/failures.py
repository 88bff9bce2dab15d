"""What a failed command prints, and the exit code that goes with it."""

from __future__ import annotations

import traceback

from difface_cli.base.errors import ASK_FOR_TRACEBACK, known
from difface_cli.cli import console

INTERRUPTED = 130


def report(error: Exception, debug: bool) -> int:
    """Print `error` on stderr as one sentence and the next step; `debug` adds the traceback.

    Returns:
        the exit code.
    """
    if debug:
        traceback.print_exception(error)
    failure = known(
        error, "Please report it with the traceback above." if debug else ASK_FOR_TRACEBACK
    )
    console.say("error", failure.message, failure.hint)
    return failure.exit_code


def interrupted() -> int:
    """Say that the user stopped the command, and return the exit code."""
    console.say("stopped", "interrupted before the end", style="bold yellow")
    return INTERRUPTED
