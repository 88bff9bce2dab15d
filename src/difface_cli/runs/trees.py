"""Which photos are meant by folders: found, chosen by globs, named by their place in the tree."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from difface_cli.base.errors import ImageError, UsageError
from difface_cli.images.reading import SUFFIXES


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


@dataclass(frozen=True)
class Tree:
    """The photos of a run, sorted by name.

    Attributes:
        others: how many files there were beside them, not meant or no pictures.
        closed: folders that could not be read, and why not.
    """

    photos: tuple[Photo, ...]
    others: int = 0
    closed: tuple[tuple[Path, ImageError], ...] = ()


def look(sources: Sequence[str], wish: Wish, output: Path) -> Tree:
    """The photos that these files and folders hold.

    Args:
        sources: a single folder, whose tree is mirrored; or folders and files, of which each
            comes to lie under its own name.
        output: the folder of the results, in which nothing is looked for.

    Raises:
        UsageError: when two sources have the same name.
    """
    found: list[tuple[str, Path]] = []
    closed: list[tuple[Path, ImageError]] = []
    others = 0
    alone = len(sources) == 1
    for source, name in zip(sources, _names(sources), strict=True):
        path = Path(source)
        if not os.path.isdir(path):  # no name is too long for it
            found.append((name, path))
            continue
        prefix = "" if alone else f"{name}/"
        for inner in _files(path, wish, output, closed):
            if PurePosixPath(inner).suffix.lower() in SUFFIXES and wish.takes(inner):
                found.append((prefix + inner, path / inner))
            else:
                others += 1
    stems = Counter(_stem(name) for name, _ in found)
    photos = (Photo(name, path, stems[_stem(name)] > 1) for name, path in sorted(found))
    return Tree(tuple(photos), others, tuple(closed))


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
        try:
            entries = _entries(root / folder)
        except ImageError as error:
            closed.append((root / folder, error))
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            if not _is_folder(entry):
                yield name
            elif wish.recursive and not wish.leaves_out(name):
                (linked if entry.is_symlink() else folders).append(name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in circles; reading it as a photo will tell
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ImageError(
            f"The folder {folder} cannot be read: {error.strerror}.",
            "Check its permissions, or leave it out with --exclude.",
        ) from None


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        stat = folder.stat()
    except OSError:  # an output folder that is still to be made
        return None
    return stat.st_dev, stat.st_ino


def _matches(name: str, glob: str) -> bool:
    name, glob = name.lower(), glob.lower()
    if "/" in glob:
        return fnmatchcase(name, glob.removeprefix("./"))
    return any(fnmatchcase(part, glob) for part in name.split("/"))


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).lower()
