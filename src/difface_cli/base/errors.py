"""Every failure a user can meet: one sentence of what is wrong, one of what to do next.

The command layer prints a `DifFaceError` once, as `message` and `hint`, and exits with
`exit_code`; nothing below it prints or exits.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable

UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
OF_FILES = frozenset(
    {errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
)
ASK_FOR_TRACEBACK = (
    "Run again as 'difface --debug ...' (or with DIFFACE_DEBUG=1) for the traceback, and report it."
)


class DifFaceError(Exception):
    """A failure that is the user's to solve, with the next step in `hint`."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(DifFaceError):
    """An option or argument outside its range, or options that exclude each other."""


def require(problems: Iterable[tuple[bool, str]], hint: str) -> None:
    """Raise UsageError for the first that does not hold, of (whether it does, what is wrong)."""
    for fine, problem in problems:
        if not fine:
            raise UsageError(f"{problem}.", hint)


class ImageError(DifFaceError):
    """A file that is missing, no picture, damaged, or beyond what can be worked on."""


class OutputError(DifFaceError):
    """A result that cannot or must not be written where it was asked for."""


class FaceError(DifFaceError):
    """A face that was asked for and is not there, or cannot be aligned."""


class RecordError(DifFaceError):
    """A record of a run that cannot be read, or from which the run cannot be repeated."""


class RegistryError(DifFaceError):
    """A `models.toml` that cannot be read, or an entry in it that is wrong."""


class WeightsMissing(DifFaceError):
    """Weights that are not on this machine."""


class WeightsInvalid(DifFaceError):
    """Weights whose hash, names, shapes or format are not the expected ones."""


class DeviceError(DifFaceError):
    """A device or precision this machine does not have, or memory that ran out."""


class Fault(DifFaceError):
    """An exception that nobody foresaw."""

    exit_code = UNEXPECTED


def known(error: Exception, hint: str = ASK_FOR_TRACEBACK) -> DifFaceError:
    """`error` itself, or the failure that it stands for: of the machine, or of the program.

    Args:
        hint: what to do about a fault of the program.
    """
    if isinstance(error, DifFaceError):
        return error
    if (failure := _of_machine(error)) is not None:
        return failure
    text = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    return Fault(f"unexpected error, a fault of the program: {text}", hint)


def _of_machine(error: Exception) -> DifFaceError | None:
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
    if "OperationalError" in names:  # of SQLite, which keeps lists on the disk
        hint = "Make room for temporary files, or name a folder for them as TMPDIR."
        return OutputError(f"The list of photos cannot be kept: {text}.", hint)
    if isinstance(error, ImportError) and ("libGL" in text or "libgthread" in text):
        return DeviceError(
            f"OpenCV cannot be loaded: {text}.",
            "On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0",
        )
    return None
