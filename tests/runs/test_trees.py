"""Which files of a folder are photos, and where their results belong."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from difface_cli.base.errors import OutputError, UsageError, known
from difface_cli.runs import trees
from difface_cli.runs.jobs import Job
from difface_cli.runs.trees import Wish, look

ANY = Job("", None)
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


def found(sources: list[str], wish: Wish, output: str = "out") -> list[Job]:
    with look(sources, wish, Path(output), ANY) as tree:
        assert len(tree) == len([*tree])
        return [*tree]


def names(sources: list[str], wish: Wish, output: str = "out") -> list[str]:
    return [photo.place for photo in found(sources, wish, output)]


def test_the_top_level_alone_unless_recursive(album: Path) -> None:
    with look(["album"], Wish(), Path("out"), ANY) as tree:
        assert [photo.place for photo in tree] == ["B.TIF", "a.jpg"]
        assert [photo.source for photo in tree] == ["album/B.TIF", "album/a.jpg"]
        assert tree.others == 2


def test_the_tree_sorted_without_what_is_hidden(album: Path) -> None:
    photos = found(["album/"], ALL)
    assert [photo.place for photo in photos] == [
        "1912/a.jpg", "1912/a.png", "1912/thumbs/a.jpg", "1913/wedding [1].jpeg", "B.TIF", "a.jpg",
    ]  # fmt: skip
    assert [photo.twin for photo in photos] == [True, True, False, False, False, False]


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
    assert names(["album"], wish) == left


def test_several_sources_keep_their_names(album: Path) -> None:
    told = names(["album/1912", "album/1913", "album/a.jpg"], Wish())
    assert told == ["1912/a.jpg", "1912/a.png", "1913/wedding [1].jpeg", "a.jpg"]
    with pytest.raises(UsageError, match="same name"):
        names(["album/1912", "album/../album/1912/"], Wish())


def test_results_within_the_tree_are_no_photos(album: Path) -> None:
    (album / "restored").mkdir()
    (album / "restored/a.jpg").touch()
    assert "restored/a.jpg" in names(["album"], ALL)
    assert "restored/a.jpg" not in names(["album"], ALL, "album/restored")


def test_links_are_followed_once_and_never_round(album: Path) -> None:
    os.symlink("..", album / "1912/up")
    os.symlink("1912", album / "0000")  # before it in order, and the same folder
    os.symlink("nowhere", album / "gone")
    outside = album.parent / "outside"
    outside.mkdir()
    (outside / "c.jpg").touch()
    os.symlink(outside, album / "linked")
    os.symlink(album, outside / "back")
    found = names(["album"], ALL)
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
    with look(["album"], ALL, Path("out"), ANY) as tree:
        assert [photo.place for photo in tree] == ["1913/wedding [1].jpeg", "B.TIF", "a.jpg"]
        ((path, error),) = tree.closed
    assert path == Path("album/1912")
    assert "Permission denied" in error.message


def test_a_name_that_is_no_text(album: Path) -> None:
    name = os.fsdecode(b"old\xff.jpg")
    (album / name).touch()
    assert name in names(["album"], Wish())


@pytest.mark.parametrize("wish", [Wish(), ALL])
def test_links_that_are_circles_of_their_own_are_files_that_fail(album: Path, wish: Wish) -> None:
    os.symlink("pong.jpg", album / "ping.jpg")
    os.symlink("ping.jpg", album / "pong.jpg")
    assert {"ping.jpg", "pong.jpg", "a.jpg"} <= set(names(["album"], wish))


def test_a_source_whose_name_no_system_takes_is_a_file_that_fails(album: Path) -> None:
    long = "x" * 300 + ".jpg"
    assert len(names(["album", long], Wish())) == 3


def test_twins_may_differ_in_case_and_lie_in_folders_that_do(album: Path) -> None:
    for name in ("x/B.JPG", "x/b.png", "X/a.jpg", "x/A.png", "x/c.png"):
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).touch()
    twins = {
        photo.place for photo in found(["album"], ALL) if photo.twin and photo.place[0] in "xX"
    }
    assert twins == {"x/B.JPG", "x/b.png", "X/a.jpg", "x/A.png"}


def test_files_and_folders_are_sorted_by_the_whole_name(album: Path) -> None:
    for name in ("d-1/x.jpg", "d/x.jpg", "d.jpg", "d0.jpg", "d\u00e9/x.jpg"):
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).touch()
    told = names(["album"], ALL)
    assert told == sorted(told)
    assert [name for name in told if name[0] == "d"] == [
        "d-1/x.jpg", "d.jpg", "d/x.jpg", "d0.jpg", "d\u00e9/x.jpg"
    ]  # fmt: skip


def test_masks_are_no_photos(album: Path) -> None:
    os.symlink("../B.TIF", album / "1912/mask.jpg")
    with look(["album"], ALL, Path("out"), ANY, [album / "B.TIF", album / "1912/thumbs"]) as tree:
        assert [photo.place for photo in tree] == [
            "1912/a.jpg", "1912/a.png", "1913/wedding [1].jpeg", "a.jpg"
        ]  # fmt: skip
        assert tree.others == 2


def test_what_is_taken_out_is_still_read(album: Path) -> None:
    os.symlink("album", album.parent / "linked")
    with look(["album"], Wish(), Path("out"), ANY) as tree:
        tree.narrow(lambda photo: photo.place != "a.jpg")
        assert [photo.place for photo in tree] == ["B.TIF"]
        assert len(tree) == 1
        assert tree.reads(Path("linked/a.jpg"))
        assert not tree.reads(Path("album/notes.txt"))


def test_a_result_belongs_to_the_first_that_claims_it(album: Path) -> None:
    with look(["album"], Wish(), Path("out"), ANY) as tree:
        first, again = Job("album/a.jpg", Path("out/a.png")), Job("album/a.gif", Path("out/a.png"))
        tree.claim(first)
        tree.claim(first)
        with pytest.raises(OutputError, match=r"a.jpg and album/a.gif would both .* out/a.png"):
            tree.claim(again)


def test_a_full_disk_is_one_sentence(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_TABLES", f"PRAGMA max_page_count = 4; {trees._TABLES}")
    with pytest.raises(sqlite3.OperationalError) as caught:
        names([f"{k:0200}.jpg" for k in range(100)], ALL)
    failure = known(caught.value)
    assert "cannot be kept: database or disk is full" in failure.message
    assert "TMPDIR" in failure.hint
