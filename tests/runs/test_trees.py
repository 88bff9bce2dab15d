"""Which files of a folder are photos, and where their results belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from difface_cli.base.errors import UsageError
from difface_cli.runs.trees import Tree, Wish, look

ALL = Wish(recursive=True)


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of empty files."""
    for name in (
        "a.jpg", "B.TIF", "notes.txt", "Thumbs.db", ".hidden.jpg", "1912/a.jpg", "1912/a.png",
        "1912/thumbs/a.jpg", ".cache/x.jpg", "1913/wedding [1].jpeg",
    ):  # fmt: skip
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "album"


def names(tree: Tree) -> list[str]:
    return [photo.name for photo in tree.photos]


def test_the_top_level_alone_unless_recursive(album: Path) -> None:
    tree = look(["album"], Wish(), Path("out"))
    assert names(tree) == ["B.TIF", "a.jpg"]
    assert tree.others == 2
    assert [photo.path for photo in tree.photos] == [Path("album/B.TIF"), Path("album/a.jpg")]


def test_the_tree_sorted_without_what_is_hidden(album: Path) -> None:
    tree = look(["album/"], ALL, Path("out"))
    assert names(tree) == [
        "1912/a.jpg", "1912/a.png", "1912/thumbs/a.jpg", "1913/wedding [1].jpeg", "B.TIF", "a.jpg",
    ]  # fmt: skip
    assert [photo.twin for photo in tree.photos] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        (["*.jpg"], [], ["1912/a.jpg", "1912/thumbs/a.jpg", "a.jpg"]),
        (["*.JPG"], ["thumbs"], ["1912/a.jpg", "a.jpg"]),
        (["1912/*"], [], ["1912/a.jpg", "1912/a.png", "1912/thumbs/a.jpg"]),
        ([], ["1912", "b.*"], ["1913/wedding [1].jpeg", "a.jpg"]),
        (["191?/*.jp*"], ["1912/thumbs"], ["1912/a.jpg", "1913/wedding [1].jpeg"]),
        (["*.txt"], [], []),
    ],
)
def test_globs(album: Path, include: list[str], exclude: list[str], left: list[str]) -> None:
    wish = Wish(True, tuple(include), tuple(exclude))
    assert names(look(["album"], wish, Path("out"))) == left


def test_several_sources_keep_their_names(album: Path) -> None:
    tree = look(["album/1912", "album/1913", "album/a.jpg"], Wish(), Path("out"))
    assert names(tree) == ["1912/a.jpg", "1912/a.png", "1913/wedding [1].jpeg", "a.jpg"]
    with pytest.raises(UsageError, match="same name"):
        look(["album/1912", "album/../album/1912/"], Wish(), Path("out"))


def test_results_within_the_tree_are_no_photos(album: Path) -> None:
    (album / "restored").mkdir()
    (album / "restored/a.jpg").touch()
    assert "restored/a.jpg" in names(look(["album"], ALL, Path("out")))
    assert "restored/a.jpg" not in names(look(["album"], ALL, Path("album/restored")))


def test_links_are_followed_once_and_never_round(album: Path) -> None:
    os.symlink("..", album / "1912/up")
    os.symlink("1912", album / "0000")  # before it in order, and the same folder
    os.symlink("nowhere", album / "gone")
    outside = album.parent / "outside"
    outside.mkdir()
    (outside / "c.jpg").touch()
    os.symlink(outside, album / "linked")
    os.symlink(album, outside / "back")
    found = names(look(["album"], ALL, Path("out")))
    assert found == [
        "1912/a.jpg", "1912/a.png", "1912/thumbs/a.jpg", "1913/wedding [1].jpeg", "B.TIF", "a.jpg",
        "linked/c.jpg",
    ]  # fmt: skip


def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_not_lost(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def closed(path: Path) -> object:
        if Path(path).name == "1912":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", closed)
    tree = look(["album"], ALL, Path("out"))
    assert names(tree) == ["1913/wedding [1].jpeg", "B.TIF", "a.jpg"]
    ((path, error),) = tree.closed
    assert path == Path("album/1912")
    assert "Permission denied" in error.message


def test_a_name_that_is_no_text(album: Path) -> None:
    name = os.fsdecode(b"old\xff.jpg")
    (album / name).touch()
    assert name in names(look(["album"], Wish(), Path("out")))


@pytest.mark.parametrize("wish", [Wish(), ALL])
def test_links_that_are_circles_of_their_own_are_files_that_fail(album: Path, wish: Wish) -> None:
    os.symlink("pong.jpg", album / "ping.jpg")
    os.symlink("ping.jpg", album / "pong.jpg")
    assert {"ping.jpg", "pong.jpg", "a.jpg"} <= set(names(look(["album"], wish, Path("out"))))


def test_a_source_whose_name_no_system_takes_is_a_file_that_fails(album: Path) -> None:
    long = "x" * 300 + ".jpg"
    assert len(look(["album", long], Wish(), Path("out")).photos) == 3
