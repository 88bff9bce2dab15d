"""What a failed command prints, and the exit code that goes with it."""

from __future__ import annotations

import errno
import traceback

from difface_cli.base.errors import DeviceError, DifFaceError, OutputError
from difface_cli.cli import console

INTERRUPTED = 130
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
OF_FILES = frozenset(
    {errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
)

ASK_FOR_TRACEBACK = (
    "Run again as 'difface --debug ...' (or with DIFFACE_DEBUG=1) for the traceback, and report it."
)


def report(error: Exception, debug: bool) -> int:
    """Print `error` on stderr as one sentence and the next step; `debug` adds the traceback.

    Returns:
        the exit code.
    """
    if debug:
        traceback.print_exception(error)
    failure = known(error, debug)
    console.say("error", failure.message, failure.hint)
    return failure.exit_code


def known(error: Exception, debug: bool = False) -> DifFaceError:
    """`error` itself, or the failure that it stands for: of the machine, or of the program."""
    if isinstance(error, DifFaceError):
        return error
    translated = _translate(error)
    if translated is not None:
        return translated
    text = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    hint = "Please report it with the traceback above." if debug else ASK_FOR_TRACEBACK
    return _Fault(f"unexpected error, a fault of the program: {text}", hint)


class _Fault(DifFaceError):
    """An exception that nobody foresaw."""

    exit_code = UNEXPECTED


def interrupted() -> int:
    """Say that the user stopped the command, and return the exit code."""
    console.say("stopped", "interrupted before the end", style="bold yellow")
    return INTERRUPTED


def _translate(error: Exception) -> DifFaceError | None:
    """Failures of the machine, known by name: torch must not be imported to name its own."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in OF_FILES:
        where = f"{error.filename}: " if error.filename else ""
        return OutputError(f"{where}{error.strerror}.", "Check path, permissions and free space.")
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError"} or "DefaultCPUAllocator" in text:
        where = "GPU memory" if "OutOfMemoryError" in names else "memory"
        return DeviceError(
            f"There is not enough {where} for this run.",
            "Close other programs, take a smaller picture, leave out --upscale"
            + (", or use --device cpu." if where == "GPU memory" else "."),
        )
    if isinstance(error, ImportError) and ("libGL" in text or "libgthread" in text):
        return DeviceError(
            f"OpenCV cannot be loaded: {text}.",
            "On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0",
        )
    return None
