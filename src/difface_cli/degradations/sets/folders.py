"""The pictures of a folder, and a name for each that no other takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from difface_cli.base.errors import OutputError
from difface_cli.images.reading import SUFFIXES


def pictures(folder: Path) -> list[str]:
    """The pictures in a folder and its subfolders: names within it, with "/", sorted.

    Hidden files and folders are left out.
    """
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and path.suffix.lower() in SUFFIXES and not path.is_dir():
            found.append(name.as_posix())
    return sorted(found)


def targets(files: Iterable[str], suffix: str = ".png") -> dict[str, str]:
    """A name with `suffix` for each file: a/b.jpg → a/b.png.

    Files that differ in their suffix alone keep it, a/b.jpg.png and a/b.webp.png, and so do those
    that a file system blind to case would take for one.

    Raises:
        OutputError: when two still have the same name.
    """
    short = {file: str(PurePosixPath(file).with_suffix(suffix)) for file in files}
    taken = Counter(name.lower() for name in short.values())
    names = {f: name if taken[name.lower()] == 1 else f + suffix for f, name in short.items()}
    by_name: dict[str, str] = {}
    for file, name in names.items():
        other = by_name.setdefault(name.lower(), file)
        if other != file:
            raise OutputError(
                f"{other} and {file} would both be written to {name}.", "Rename one of them."
            )
    return names
