"""Which photos are meant by folders: found, chosen by globs, named by their place in the tree."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from difface_cli.base.errors import ImageError, OutputError, UsageError
from difface_cli.images.reading import SUFFIXES
from difface_cli.runs.jobs import Job, writable

# `twin` as in Job; `place` is the path with the links in its folders followed; `meant` is 0 of what
# `narrow` took out.
_TABLES = """
    PRAGMA cache_size = -16000;
    CREATE TABLE found (name BLOB, path BLOB, stem BLOB, place BLOB);
    CREATE TABLE results (path BLOB PRIMARY KEY, source BLOB) WITHOUT ROWID;
"""
_SORT = """
    CREATE TABLE photos AS
        SELECT name, path, place, count(*) OVER (PARTITION BY stem) > 1 AS twin, 1 AS meant
        FROM found ORDER BY name;
    CREATE INDEX places ON photos (place);
    DROP TABLE found;
"""


@dataclass(frozen=True)
class Wish:
    """Which files of a folder are meant.

    Attributes:
        recursive: whether folders in it are entered.
        include, exclude: globs, blind to case. One without "/" is held against the name of a file
            or of any folder on the way to it, one with "/" against the path within the tree.
            Without `include` every picture is meant.
    """

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Whether the file of this path within the tree is meant."""
        included = not self.include or any(_matches(name, glob) for glob in self.include)
        return included and not self.leaves_out(name)

    def leaves_out(self, name: str) -> bool:
        """Whether the file or folder of this path within the tree is not to be looked at."""
        return any(_matches(name, glob) for glob in self.exclude)


class Tree:
    """The photos of a run as jobs, sorted by name: on the disk, as soon as they are many.

    Attributes:
        others: how many files there were beside them, not meant or no pictures.
        closed: folders that could not be read, and why not.
    """

    def __init__(self, db: sqlite3.Connection, job: Callable[[str, str, bool], Job]) -> None:
        self.others = 0
        self.closed: list[tuple[Path, ImageError]] = []
        self._db, self._job, self._count = db, job, 0
        self._real = lru_cache(1000)(os.path.realpath)
        db.executescript(_TABLES)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Job]:
        return (job for _, job in self._rows())

    def fill(self, found: Iterable[tuple[str, str]]) -> None:
        """Take these photos, each by its name and file, in any order."""
        rows = (
            (*map(os.fsencode, (name, path, os.path.splitext(name)[0].lower())), self._place(path))
            for name, path in found
        )
        self._count = self._db.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", rows).rowcount
        self._db.executescript(_SORT)

    def narrow(self, meant: Callable[[Job], bool]) -> None:
        """Keep those jobs of which this is true; they are asked of in their order."""
        rows = ((row,) for row, job in self._rows() if not meant(job))
        out = self._db.executemany("UPDATE photos SET meant = 0 WHERE rowid = ?", rows)
        self._count -= out.rowcount

    def reads(self, path: Path) -> bool:
        """Whether this is the file of a photo, even of one that `narrow` took out."""
        where = "SELECT 1 FROM photos WHERE place = ?"
        return self._db.execute(where, (self._place(path),)).fetchone() is not None

    def claim(self, job: Job) -> None:
        """Note where the job's results will lie; OutputError where another's will."""
        for path in job.files:
            row = (os.fsencode(path), os.fsencode(job.source))
            self._db.execute("INSERT OR IGNORE INTO results VALUES (?, ?)", row)
            found = self._db.execute("SELECT source FROM results WHERE path = ?", row[:1])
            if (first := found.fetchone()[0]) != row[1]:
                raise OutputError(
                    f"{os.fsdecode(first)} and {job.source} would both be written to {path}.",
                    "Rename one of them, or leave it out with --exclude.",
                )

    def _rows(self) -> Iterator[tuple[int, Job]]:
        which = "SELECT rowid, name, path, twin FROM photos WHERE meant ORDER BY rowid"
        for row, name, path, twin in self._db.execute(which):
            yield row, self._job(os.fsdecode(name), os.fsdecode(path), bool(twin))

    def _place(self, path: str | Path) -> bytes:
        folder, name = os.path.split(path)
        return os.fsencode(os.path.join(self._real(folder), name))


Jobs = list[Job] | Tree


@contextmanager
def look(
    sources: Sequence[str], wish: Wish, output: Path, like: Job, masks: Sequence[Path] = ()
) -> Iterator[Tree]:
    """The photos that these files and folders hold.

    Args:
        sources: a single folder, whose tree is mirrored; or folders and files, of which each
            comes to lie under its own name.
        output: the folder of the results, in which nothing is looked for.
        like: what holds for each of the jobs.
        masks: files and folders that hold no photos.

    Raises:
        UsageError: when two sources have the same name.
    """
    named = [*zip(map(Path, sources), _names(sources), strict=True)]
    hidden = [os.path.realpath(mask) for mask in masks]

    def job(name: str, source: str, twin: bool) -> Job:
        target = output / writable(name)
        return replace(like, source=source, target=target, place=name, twin=twin)

    def found() -> Iterator[tuple[str, str]]:
        for source, name in named:
            if not os.path.isdir(source):  # no name is too long for it
                yield name, str(source)
                continue
            prefix = f"{name}/" if len(named) > 1 else ""
            for inner in _files(source, wish, output, tree.closed):
                if os.path.splitext(inner)[1].lower() in SUFFIXES and wish.takes(inner):
                    yield prefix + inner, str(source / inner)
                else:
                    tree.others += 1

    def shown(photo: tuple[str, str]) -> bool:
        real = Path(os.path.realpath(photo[1]))
        return not any(real.is_relative_to(mask) for mask in hidden)

    with closing(sqlite3.connect("")) as db:  # a file without a name; in memory while it is small
        tree = Tree(db, job)
        tree.fill(filter(shown, found()) if hidden else found())
        yield tree


def _names(sources: Sequence[str]) -> list[str]:
    names = [Path(source).name or os.path.basename(os.path.realpath(source)) for source in sources]
    taken: dict[str, str] = {}
    for source, name in zip(sources, names, strict=True):
        if name.lower() in taken:
            raise UsageError(
                f"{taken[name.lower()]} and {source} have the same name.",
                "Do them one after the other into different folders.",
            )
        taken[name.lower()] = source
    return names


def _files(
    root: Path, wish: Wish, output: Path, closed: list[tuple[Path, ImageError]]
) -> Iterator[str]:
    """The paths within `root` of its files, hidden ones left out.

    A folder behind a symbolic link is entered after all others, and only where it was not met
    before: so none is entered twice, and no cycle is followed. What cannot be read is added to
    `closed`.
    """
    seen = {_identity(output)}
    folders, linked = [""], list[str]()
    while folders or linked:
        folder = folders.pop() if folders else linked.pop(0)
        identity = _identity(root / folder)
        if identity in seen:
            continue
        seen.add(identity)
        inner: list[tuple[str, bool]] = []
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    name = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.name.startswith("."):
                        continue
                    if not _is_folder(entry):
                        yield name
                    elif wish.recursive and not wish.leaves_out(name):
                        inner.append((name, entry.is_symlink()))
        except OSError as error:
            failure = ImageError(
                f"The folder {root / folder} cannot be read: {error.strerror}.",
                "Check its permissions, or leave it out with --exclude.",
            )
            closed.append((root / folder, failure))
        for name, link in sorted(inner):
            (linked if link else folders).append(name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in circles; reading it as a photo will tell
        return False


def _identity(folder: Path) -> int | None:
    """Device and inode in one number: there may be as many folders as photos."""
    try:
        stat = folder.stat()
    except OSError:  # an output folder that is still to be made
        return None
    return stat.st_dev << 64 | stat.st_ino


def _matches(name: str, glob: str) -> bool:
    name, glob = name.lower(), glob.lower()
    if "/" in glob:
        return fnmatchcase(name, glob.removeprefix("./"))
    return any(fnmatchcase(part, glob) for part in name.split("/"))
