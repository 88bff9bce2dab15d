"""The manifest of a run: a line of JSON for each photo that was done or failed, added as it ends.

Of several lines for a photo the last one holds. Names of results use "/" and are relative to the
manifest's folder. A line that was cut by a crash is no line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from difface_cli.base import hashing
from difface_cli.base.errors import OutputError

NAME = "manifest.jsonl"
FAILED = "failed"
# OverflowError: numbers without end; RecursionError: lists in lists without end.
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Stamp:
    """What the file system tells of a file; a changed file has another."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @staticmethod
    def of(path: Path) -> Stamp | None:
        """The stamp of a file, None when there is none."""
        try:
            stat = path.stat()
        except (OSError, ValueError):  # ValueError: a null byte in the path
            return None
        return Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        photo: its place in the tree, which is its name in the manifest.
        input: the file that was read.
        sha256: of the bytes that were read; empty when they could not be.
        stamp: of the file, taken before it was read.
        settings: the fingerprint of all that bears on the results.
        status: "restored", "no face", …, or "failed".
        outputs: name → sha256 of each file written.
        error: why it failed, empty when it did not.
        seconds: what it took, "total" and by stage.
        finished: when it ended, ISO 8601.
    """

    photo: str
    input: str
    sha256: str
    stamp: Stamp | None
    settings: str
    status: str
    outputs: Mapping[str, str]
    error: str
    seconds: Mapping[str, float]
    finished: str

    def holds(self, folder: Path, source: Path, settings: str) -> bool:
        """Whether nothing is left to do: done, of this input, in this way, and still there."""
        return (
            self.status != FAILED
            and self.settings == settings
            and all(_is_file(folder / name) for name in self.outputs)
            and self._is_of(source)
        )

    def _is_of(self, source: Path) -> bool:
        """Whether the file is the one that was read; its bytes are asked where the stamp is not
        the same."""
        stamp = Stamp.of(source)
        if stamp is None or stamp == self.stamp:
            return stamp is not None
        return self.stamp is not None and stamp.size == self.stamp.size and self._same(source)

    def _same(self, source: Path) -> bool:
        return sha256(source) == self.sha256


def append(folder: Path, entry: Entry) -> None:
    """Add a line, whole on the disk when this returns.

    Raises:
        OutputError: when it cannot be written; the manifest then is as it was.
    """
    path = folder / NAME
    line = (json.dumps(_line(entry)) + "\n").encode()
    try:
        with path.open("ab") as file:
            end = file.tell()
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, end)
                raise
    except OSError as error:
        raise unusable(path, error) from error


def mend(folder: Path) -> None:
    """Cut off a last line that a crash left unfinished, so that the next one begins on its own."""
    path = folder / NAME
    try:
        with path.open("rb+") as file:
            data = file.seek(0, os.SEEK_END)
            while data and _byte(file, data - 1) != b"\n":
                data -= 1
            file.truncate(data)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(path, error) from None


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal; empty when it cannot be read."""
    try:
        return hashing.sha256(path)
    except OSError:
        return ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the system
        return False


def _byte(file: Any, at: int) -> bytes:
    file.seek(at)
    data: bytes = file.read(1)
    return data


def _line(entry: Entry) -> dict[str, Any]:
    stamp = entry.stamp
    return {
        "photo": entry.photo,
        "input": {
            "path": entry.input,
            "sha256": entry.sha256 or None,
            "stamp": [stamp.size, stamp.mtime_ns, stamp.ctime_ns] if stamp else None,
        },
        "settings": entry.settings,
        "status": entry.status,
        "outputs": dict(entry.outputs),
        "error": entry.error or None,
        "seconds": dict(entry.seconds),
        "finished": entry.finished,
    }


def parsed(line: bytes, number: int, folder: Path) -> Entry:
    """The entry of a line.

    Raises:
        OutputError: when it is not what `append` writes, naming its number in the file.
    """
    try:
        return _entry(json.loads(line))
    except DAMAGED as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:200]
        raise OutputError(
            f"Line {number} of {folder / NAME} is damaged: {problem}.",
            "Take that line out of the file, or choose another folder with -o.",
        ) from None


def _entry(line: Any) -> Entry:
    stamp = line["input"]["stamp"]
    outputs = {_inner(str(name)): str(digest) for name, digest in line["outputs"].items()}
    return Entry(
        photo=_inner(str(line["photo"])),
        input=str(line["input"]["path"]),
        sha256=str(line["input"]["sha256"] or ""),
        stamp=None if stamp is None else Stamp(*(int(number) for number in stamp)),
        settings=str(line["settings"]),
        status=str(line["status"]),
        outputs=outputs,
        error=str(line["error"] or ""),
        seconds={str(k): float(v) for k, v in line["seconds"].items()},
        finished=str(line["finished"]),
    )


def _inner(name: str) -> str:
    """A name within the folder; ValueError for one that leads out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
        raise ValueError(f"{name!r} lies outside the folder")
    return name


def unusable(path: Path, error: OSError) -> OutputError:
    """The sentence for a manifest that cannot be read or written."""
    return OutputError(
        f"{path} cannot be used: {error.strerror}.",
        "Check the folder's permissions and free space, or choose another with -o.",
    )
