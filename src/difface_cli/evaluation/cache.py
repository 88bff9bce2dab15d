"""Values that were measured, kept in one SQLite file, so that an evaluation goes on where it was.

A value belongs to files by path, size and time of change: a file that changed is measured anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from difface_cli.base.errors import OutputError

NAME = "evaluation.sqlite"
TABLE = "CREATE TABLE IF NOT EXISTS kept (key TEXT, what TEXT, value, PRIMARY KEY (key, what))"
EVERY = 64  # values written between two commits

Vector = npt.NDArray[np.float32]


class Cache:
    """The values of one file, by key and what was measured. For one thread."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._open = 0

    def number(self, key: str, what: str) -> tuple[bool, float | None]:
        """Whether it is known, and the value; None where it was measured and does not exist."""
        row = self._row(key, what)
        return row is not None, row[0] if row is not None else None

    def vector(self, key: str, what: str) -> tuple[bool, Vector | None]:
        """The same for a vector of float32."""
        row = self._row(key, what)
        if row is None or row[0] is None:
            return row is not None, None
        return True, np.frombuffer(row[0], np.float32)

    def keep(self, key: str, what: str, value: float | Vector | None) -> None:
        """Keep a value; None says that it does not exist."""
        stored: Any = value
        if isinstance(value, np.ndarray):
            stored = np.ascontiguousarray(value, np.float32).tobytes()
        self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, what, stored))
        self._open += 1
        if self._open >= EVERY:
            self.commit()

    def commit(self) -> None:
        """Have all values on disk."""
        self._database.commit()
        self._open = 0

    def _row(self, key: str, what: str) -> Any:
        found = self._database.execute("SELECT value FROM kept WHERE key=? AND what=?", (key, what))
        return found.fetchone()


@contextmanager
def opened(path: Path | None) -> Iterator[Cache]:
    """The values of a file, on disk when this ends, however it ends; None keeps them in memory.

    Raises:
        OutputError: when the file is damaged or cannot be written.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path or ":memory:", timeout=60)
        database.execute(TABLE)
    except (sqlite3.Error, OSError) as e:
        raise OutputError(
            f"Values cannot be kept in {path}: {e}.", "Delete it, or use --no-cache."
        ) from None
    cache = Cache(database)
    try:
        yield cache
    finally:
        cache.commit()
        database.close()


def file_key(path: Path) -> str:
    """What names a file and its content: path, size, time of change.

    Raises:
        OSError: when it is not there.
    """
    told = path.stat()
    return f"{path.resolve()}|{told.st_size}|{told.st_mtime_ns}"
