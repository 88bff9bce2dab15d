"""Where each photo's line is in the manifest, on the disk, so that no entry is kept in memory.

The manifest alone is the truth. The index, an SQLite file, holds places of lines; the lines are
read when they are asked for. It also holds the sha256 of the bytes it was made from: where the
manifest begins with other ones, the index is made anew, and lines after them are added to it.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from difface_cli.base.errors import OutputError
from difface_cli.runs import manifest
from difface_cli.runs.manifest import FAILED, Entry

# `last` is where the photo's last line begins, `written` where the one begins that names its
# results: an earlier one when the last one tells a failure.
_TABLES = """
    PRAGMA cache_size = -16000;
    CREATE TABLE IF NOT EXISTS lines
        (photo BLOB PRIMARY KEY, last INTEGER, written INTEGER) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS source (size INTEGER, sha256 TEXT);
"""
_PUT = """
    INSERT INTO lines VALUES (?, ?, ?) ON CONFLICT (photo) DO UPDATE
    SET last = excluded.last, written = CASE WHEN ? THEN written ELSE excluded.written END
"""


class Index:
    """The entries of a folder's manifest, each read when it is asked for, by any thread.

    Opening it and its methods raise OutputError when the manifest cannot be read or is damaged.
    """

    def __init__(self, folder: Path, file: Path) -> None:
        """Open or make the index `file`; it is kept in memory where it cannot be written."""
        self._folder, self._file = folder, file
        self._guard = threading.Lock()
        self._log: BinaryIO | None = None
        self._db = sqlite3.connect(":memory:")
        try:
            self._open(file, file, ":memory:")
        except BaseException:
            self._release()
            raise

    def get(self, photo: str) -> Entry | None:
        """The last entry of a photo; for one that failed, with what was written before."""
        with self._guard:
            try:
                return self._find(photo)
            except sqlite3.Error:
                self._renew()
                return self._find(photo)

    def add(self, entry: Entry) -> None:
        """Add a line to the manifest, see `manifest.append`."""
        with self._guard:
            manifest.append(self._folder, entry)
            try:
                self._follow()
            except sqlite3.Error:
                self._renew()

    def close(self) -> None:
        """Save what was added."""
        with suppress(sqlite3.Error):  # the next run reads those lines again
            self._save()
        self._release()

    def _open(self, *files: str | Path) -> None:
        """Take the first of these files that can be used, and read the manifest to its end."""
        for file in files:
            with suppress(sqlite3.Error):
                self._release()
                self._db = sqlite3.connect(file, timeout=1, check_same_thread=False)
                self._db.executescript(_TABLES)
                self._check()
                self._follow()
                self._save()
                return
            self._remove()

    def _renew(self) -> None:
        """Make the index anew, where it is damaged or can be written no more."""
        self._remove()
        self._open(self._file, ":memory:")

    def _release(self) -> None:
        self._db.close()
        if self._log:
            self._log.close()
        self._log = None

    def _remove(self) -> None:
        self._release()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _check(self) -> None:
        """Raise sqlite3.DatabaseError unless the manifest begins with what the index is of."""
        self._hash, self._size, self._lines = hashlib.sha256(), 0, 0
        known = self._db.execute("SELECT size, sha256 FROM source").fetchone()
        size, digest = known or (0, self._hash.hexdigest())
        with self._reading(0) as file:
            while self._size < size and (line := file.readline()):
                self._count(line)
        if (self._size, self._hash.hexdigest()) != (size, digest):
            raise sqlite3.DatabaseError("This is the index of another manifest.")

    def _follow(self) -> None:
        """Put down the lines that have come to the manifest."""
        with self._reading(self._size) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                entry = manifest.parsed(line, self._lines + 1, self._folder)
                place = (self._size, self._size, entry.status == FAILED)
                self._db.execute(_PUT, (_key(entry.photo), *place))
                self._count(line)

    @contextmanager
    def _reading(self, place: int) -> Iterator[BinaryIO]:
        """The manifest from this place on; empty where there is none."""
        path = self._folder / manifest.NAME
        try:
            if self._log is None and path.exists():
                self._log = path.open("rb")
            file = self._log or io.BytesIO()
            file.seek(place)
            yield file
        except OSError as error:
            raise manifest.unusable(path, error) from None

    def _count(self, line: bytes) -> None:
        self._hash.update(line)
        self._size += len(line)
        self._lines += 1

    def _save(self) -> None:
        self._db.execute("DELETE FROM source")
        self._db.execute("INSERT INTO source VALUES (?, ?)", (self._size, self._hash.hexdigest()))
        self._db.commit()

    def _find(self, photo: str) -> Entry | None:
        found = self._db.execute("SELECT last, written FROM lines WHERE photo = ?", (_key(photo),))
        if (places := found.fetchone()) is None:
            return None
        last, *before = (self._entry(photo, place) for place in dict.fromkeys(places))
        return replace(last, outputs=before[0].outputs) if before else last

    def _entry(self, photo: str, place: int) -> Entry:
        """The entry at this place; sqlite3.DatabaseError when it is of no such photo."""
        with self._reading(place) as file, suppress(OutputError):
            entry = manifest.parsed(file.readline(), 0, self._folder)
            if entry.photo == photo:
                return entry
        raise sqlite3.DatabaseError(f"There is no line of {photo} at byte {place}.")


def _key(photo: str) -> bytes:
    """The name as bytes: SQLite's text takes no bytes that were no UTF-8."""
    return photo.encode("utf-8", "surrogatepass")
