"""Which files of a folder are pictures, and what the results are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from difface_cli.base.errors import OutputError
from difface_cli.degradations.sets import folders


def test_pictures_of_all_subfolders_sorted_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "b.JPG",
        "a/c.png",
        "a/d/e.tif",
        "note.txt",
        ".hidden.png",
        ".git/x.png",
        "m.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    assert folders.pictures(tmp_path) == ["a/c.png", "a/d/e.tif", "b.JPG"]


def test_names_keep_their_folders_and_stems() -> None:
    found = folders.targets(["a.jpg", "s/a.jpg", "s/b.c.png"])
    assert list(found.values()) == ["a.png", "s/a.png", "s/b.c.png"]


def test_files_that_differ_in_suffix_or_case_alone_stay_apart() -> None:
    found = folders.targets(["a.jpg", "a.png", "B.jpg", "b.webp", "c.jpg"])
    assert list(found.values()) == ["a.jpg.png", "a.png.png", "B.jpg.png", "b.webp.png", "c.png"]


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(OutputError, match=r"would both be written to a\.jpg\.png"):
        folders.targets(["a.jpg", "a.png", "a.jpg.png"])
    with pytest.raises(OutputError):
        folders.targets(["a.jpg", "A.JPG"])
