"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from difface_cli.base.errors import OutputError

PATTERN = ".difface-*.tmp"
"""Of the hidden files; one is left only where the process was killed."""


def write(target: Path, data: bytes) -> None:
    """Put `data` at `target` by way of a hidden file beside it.

    An existing file is replaced in one step, and left alone when anything fails.

    Raises:
        OutputError: for a target that is no plain file, a missing or closed folder, a full disk.
    """
    try:
        _check_target(target)
        _replace(target, data)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(
            f"{target} cannot be written: {reason}.",
            hint="Check the folder's permissions and free space, or choose another output.",
        ) from error


def _check_target(target: Path) -> None:
    """Refuse what must not be replaced by a file, such as a folder or a device."""
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        kind = "a folder" if target.is_dir() else "a pipe or device"
        raise OutputError(
            f"{target} is {kind}, not a file that can be replaced.", hint="Give a file name."
        )
    if not target.parent.is_dir():
        raise OutputError(
            f"{target} cannot be written: there is no folder {target.parent}.",
            hint="Create the folder or choose another output.",
        )


def _replace(target: Path, data: bytes) -> None:
    """Put `data` at `target` by way of a hidden file beside it."""
    beside = target.with_name(f".difface-{secrets.token_hex(8)}.tmp")
    # Not tempfile: it makes files private, results are to follow the user's umask.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
