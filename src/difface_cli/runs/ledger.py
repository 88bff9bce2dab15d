"""A folder of results in the hands of one run: what was done there, what is in hand, what is ours.

A photo is noted in `.difface/begun` before any file of it is written, and in the manifest once all
of them stand. What a killed run leaves is told by the difference.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from difface_cli.base import atomic
from difface_cli.base.errors import OutputError
from difface_cli.runs import manifest
from difface_cli.runs.index import Index
from difface_cli.runs.manifest import Entry

HIDDEN, INDEX = ".difface", "manifest.sqlite"
SHORT = 1000
"""Notes of photos begun before those that have ended are taken out."""


class Ledger:
    """The books of a folder of results; made by `held`, and good for many threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._began = time.time()
        self._guard = threading.Lock()
        manifest.mend(folder)
        self._index = Index(folder, folder / HIDDEN / INDEX)
        self._begun = _load(folder / HIDDEN / "begun")
        self._crashed = bool(self._begun)
        self._notes = 0

    def has(self, photo: str, source: Path, settings: str) -> bool:
        """Whether nothing is left to do for this photo, see `Entry.holds`.

        The results of one that a killed run had begun are held against their hashes: they may be
        new in part.
        """
        entry = self._index.get(photo)
        if entry is None or not entry.holds(self.folder, source, settings):
            return False
        if photo in self._begun:
            digests = {name: manifest.sha256(self.folder / name) for name in entry.outputs}
            if digests != entry.outputs:
                return False
            self.drop(photo)
        return True

    def is_ours(self, name: str, photo: str) -> bool:
        """Whether the file of this name was written by a run, for the photo of this name.

        It was when a run that was killed had begun it, or when its bytes are those that the
        manifest tells: what somebody has changed since is theirs.
        """
        if photo in self._begun:
            return True
        entry = self._index.get(photo)
        digest = entry.outputs.get(name) if entry else None
        return digest is not None and digest == manifest.sha256(self.folder / name)

    def begin(self, photo: str) -> None:
        """Note that files of this photo are about to be written.

        Raises:
            OutputError: when that cannot be noted.
        """
        with self._guard:
            self._begun.add(photo)
            path = self.folder / HIDDEN / "begun"
            try:
                with path.open("ab") as file:
                    # Begun on a line of its own, whatever a crash has left of the one before.
                    file.write(("\n" + json.dumps(photo) + "\n").encode())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise _closed(self.folder, error) from error
            self._notes += 1
            if self._notes % SHORT == 0:
                self._shorten()

    def drop(self, photo: str) -> None:
        """Note that nothing of this photo was written, nor will be."""
        with self._guard:
            self._begun.discard(photo)

    def end(self, entry: Entry) -> None:
        """Add a photo's line to the manifest, and take away what an earlier run wrote besides.

        Raises:
            OutputError: when it cannot be written.
        """
        with self._guard:
            before = self._index.get(entry.photo)
            self._index.add(entry)
            self._begun.discard(entry.photo)
        if before and entry.status != manifest.FAILED:
            for name in before.outputs.keys() - entry.outputs.keys():
                path = self.folder / name
                if manifest.sha256(path) == before.outputs[name]:
                    path.unlink(missing_ok=True)
                    with suppress(OSError):  # other files are in it
                        path.parent.rmdir()

    def close(self) -> None:
        """Tidy up: leave a note only of photos that are still half done."""
        self._index.close()
        if self._crashed:
            _sweep(self.folder, self._began)
        self._shorten()

    def _shorten(self) -> None:
        """Take the photos that have ended out of the note of those begun."""
        path = self.folder / HIDDEN / "begun"
        with suppress(OSError, OutputError):  # the next run finds the longer note
            if self._begun:
                atomic.write(path, _lines(sorted(self._begun)))
            else:
                path.unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[Ledger]:
    """Hold the folder of results, made where it is missing, until the run ends or is killed.

    Raises:
        OutputError: when another run holds it, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    try:
        (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / HIDDEN / "lock")
        lock.acquire(blocking=False)
    except Timeout:
        raise OutputError(
            f"Another run is writing to {folder}.",
            "Wait for its end, or choose another folder with -o.",
        ) from None
    except OSError as error:
        raise _closed(folder, error) from error
    try:
        ledger = Ledger(folder)
        try:
            yield ledger
        finally:
            ledger.close()
    finally:
        lock.release()
        if made and not (folder / manifest.NAME).exists():
            _unmake(folder)


def _unmake(folder: Path) -> None:
    """Take the folder away again, unless something is in it."""
    with suppress(OSError):
        for name in ("lock", INDEX):
            (folder / HIDDEN / name).unlink(missing_ok=True)
        (folder / HIDDEN).rmdir()
        folder.rmdir()


def _load(path: Path) -> set[str]:
    """The photos noted; a line cut by a crash belongs to a photo that nothing was written of."""
    begun = set()
    with suppress(OSError):
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError):
                begun.add(str(json.loads(line)))
    return begun


def _lines(photos: Iterable[str]) -> bytes:
    return "".join(json.dumps(photo) + "\n" for photo in photos).encode()


def _sweep(folder: Path, before: float) -> None:
    """Remove the hidden files that a killed run was writing to."""
    for path in folder.rglob(atomic.PATTERN):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def _closed(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Nothing can be written to the folder {folder}: {error.strerror}.",
        "Check its permissions and free space, or choose another folder with -o.",
    )
