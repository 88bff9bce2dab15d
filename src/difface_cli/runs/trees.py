"""Which photos are meant by folders: found, chosen by globs, named by their place in the tree."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath

from difface_cli.base.errors import ImageError, UsageError
from difface_cli.images.reading import SUFFIXES

# `place` is the path with the links in its folders followed; `meant` is not what `narrow` took out.
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


@dataclass(frozen=True)
class Photo:
    """A photo found.

    Attributes:
        name: its place in the tree of results, with "/", such as "1912/wedding.jpg".
        path: the file.
        twin: whether another photo of that folder differs from it in the suffix alone.
    """

    name: str
    path: Path
    twin: bool = False


class Tree:
    """The photos of a run, sorted by name: on the disk, as soon as they are many.

    Attributes:
        others: how many files there were beside them, not meant or no pictures.
        closed: folders that could not be read, and why not.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.others = 0
        self.closed: list[tuple[Path, ImageError]] = []
        self._count = 0
        self._real = lru_cache(1000)(os.path.realpath)
        self._db = db
        db.executescript(_TABLES)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Photo]:
        return (photo for _, photo in self._rows())

    def fill(self, found: Iterable[tuple[str, Path]]) -> None:
        """Take these photos, each by its name and file, in any order."""
        rows = (
            (os.fsencode(name), os.fsencode(path), os.fsencode(_stem(name)), self._place(path))
            for name, path in found
        )
        self._count = self._db.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", rows).rowcount
        self._db.executescript(_SORT)

    def narrow(self, meant: Callable[[Photo], bool]) -> None:
        """Keep those photos of which this is true; they are asked of in their order."""
        rows = ((row,) for row, photo in self._rows() if not meant(photo))
        out = self._db.executemany("UPDATE photos SET meant = 0 WHERE rowid = ?", rows)
        self._count -= out.rowcount

    def reads(self, path: Path) -> bool:
        """Whether this is the file of a photo, even of one that `narrow` took out."""
        where = "SELECT 1 FROM photos WHERE place = ?"
        return self._db.execute(where, (self._place(path),)).fetchone() is not None

    def claim(self, path: Path, source: str) -> str:
        """Note that a result of `source` will lie at `path`; whose result does, the first's."""
        row = (os.fsencode(path), os.fsencode(source))
        if self._db.execute("INSERT OR IGNORE INTO results VALUES (?, ?)", row).rowcount:
            return source
        where = "SELECT source FROM results WHERE path = ?"
        return os.fsdecode(self._db.execute(where, row[:1]).fetchone()[0])

    def _rows(self) -> Iterator[tuple[int, Photo]]:
        which = "SELECT rowid, name, path, twin FROM photos WHERE meant ORDER BY rowid"
        for row, name, path, twin in self._db.execute(which):
            yield row, Photo(os.fsdecode(name), Path(os.fsdecode(path)), bool(twin))

    def _place(self, path: Path) -> bytes:
        """The path with the links in its folders followed."""
        return os.fsencode(os.path.join(self._real(path.parent), path.name))


@contextmanager
def look(
    sources: Sequence[str], wish: Wish, output: Path, masks: Sequence[Path] = ()
) -> Iterator[Tree]:
    """The photos that these files and folders hold.

    Args:
        sources: a single folder, whose tree is mirrored; or folders and files, of which each
            comes to lie under its own name.
        output: the folder of the results, in which nothing is looked for.
        masks: files and folders that hold no photos.

    Raises:
        UsageError: when two sources have the same name.
    """
    named = [*zip(sources, _names(sources), strict=True)]
    hidden = [os.path.realpath(mask) for mask in masks]

    def found() -> Iterator[tuple[str, Path]]:
        for source, name in named:
            path = Path(source)
            if not os.path.isdir(path):  # no name is too long for it
                yield name, path
                continue
            prefix = f"{name}/" if len(named) > 1 else ""
            for inner in _files(path, wish, output, tree.closed):
                if PurePosixPath(inner).suffix.lower() in SUFFIXES and wish.takes(inner):
                    yield prefix + inner, path / inner
                else:
                    tree.others += 1

    def shown(photo: tuple[str, Path]) -> bool:
        real = Path(os.path.realpath(photo[1]))
        return not any(real.is_relative_to(mask) for mask in hidden)

    with closing(sqlite3.connect("")) as db:  # a file without a name; in memory while it is small
        tree = Tree(db)
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


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).lower()
