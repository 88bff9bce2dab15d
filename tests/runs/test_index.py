"""The index tells what the manifest tells, whatever has become of either."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from difface_cli.base.errors import OutputError
from difface_cli.runs import manifest
from difface_cli.runs.index import Index
from difface_cli.runs.manifest import Entry, append
from tests.runs.test_manifest import ENTRY

FAILED = replace(ENTRY, status="failed", outputs={}, error="It is empty.")
OTHER = replace(ENTRY, photo="b\udcff.jpg", outputs={"b.png": "ef" * 32})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the lines that were read to be put down; 0 for those asked for."""
    numbers: list[int] = []
    parsed = manifest.parsed

    def note(line: bytes, number: int, folder: Path) -> Entry:
        numbers.append(number)
        return parsed(line, number, folder)

    monkeypatch.setattr(manifest, "parsed", note)
    return numbers


def opened(folder: Path) -> closing[Index]:
    return closing(Index(folder, folder / "index"))


def told(folder: Path, *photos: str) -> list[Entry | None]:
    """What an index says that is opened now."""
    with opened(folder) as index:
        return [index.get(photo) for photo in photos]


def fill(folder: Path, count: int) -> None:
    """A manifest of as many photos."""
    append(folder, replace(ENTRY, photo="NAME"))
    path = folder / "manifest.jsonl"
    line = path.read_text()
    path.write_text("".join(line.replace("NAME", f"{number}.jpg") for number in range(count)))


def test_the_last_line_of_a_photo_holds(tmp_path: Path) -> None:
    later = replace(ENTRY, seconds={"total": 9.0})
    with opened(tmp_path) as index:
        assert index.get(ENTRY.photo) is None
        for entry in (ENTRY, OTHER, later):
            index.add(entry)
            assert index.get(entry.photo) == entry
    assert told(tmp_path, ENTRY.photo, OTHER.photo, "c.jpg") == [later, OTHER, None]


@pytest.mark.parametrize("again", [False, True])
def test_a_failure_forgets_not_what_was_written_before(tmp_path: Path, again: bool) -> None:
    with opened(tmp_path) as index:
        for entry in (FAILED, ENTRY, FAILED, FAILED):
            index.add(entry)
        assert index.get(ENTRY.photo) == replace(FAILED, outputs=ENTRY.outputs)
    if again:
        (tmp_path / "index").unlink()
    assert told(tmp_path, ENTRY.photo) == [replace(FAILED, outputs=ENTRY.outputs)]


def test_only_what_is_new_is_read(tmp_path: Path, read: list[int]) -> None:
    fill(tmp_path, 3)
    with opened(tmp_path) as index:
        assert read == [1, 2, 3]
        index.add(ENTRY)
    append(tmp_path, OTHER)  # by a run that was killed before it could save the index
    read.clear()
    assert told(tmp_path, ENTRY.photo, OTHER.photo) == [ENTRY, OTHER]
    assert read == [5, 0, 0]


def garbage(folder: Path) -> None:
    (folder / "index").write_bytes(b"no index" * 1000)


def cut(folder: Path) -> None:
    (folder / "index").write_bytes((folder / "index").read_bytes()[:5000])


def foreign(folder: Path) -> None:
    """Another program's, or another version's."""
    (folder / "index").unlink()
    with closing(sqlite3.connect(folder / "index")) as other:
        other.execute("CREATE TABLE lines (name TEXT)")


def misled(folder: Path) -> None:
    """To the line of another photo."""
    with closing(sqlite3.connect(folder / "index")) as other:
        other.execute("UPDATE lines SET last = 0, written = 0")
        other.commit()


def folder_instead(folder: Path) -> None:
    (folder / "index").unlink()
    (folder / "index").mkdir()


def older(folder: Path) -> None:
    """A copy of the index from before a line was added."""
    kept = (folder / "index").read_bytes()
    with opened(folder) as index:
        index.add(replace(ENTRY, seconds={"total": 9.0}))
    (folder / "index").write_bytes(kept)


def edited(folder: Path) -> None:
    """A photo by another name, in as many bytes."""
    path = folder / "manifest.jsonl"
    path.write_text(path.read_text().replace('"2.jpg"', '"9.jpg"'))


def shortened(folder: Path) -> None:
    path = folder / "manifest.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))


def gone(folder: Path) -> None:
    (folder / "manifest.jsonl").unlink()


WRECKS = (garbage, cut, foreign, misled, folder_instead, older, edited, shortened, gone)


@pytest.mark.parametrize("wreck", WRECKS)
def test_it_is_never_trusted_over_the_manifest(
    tmp_path: Path, wreck: Callable[[Path], None]
) -> None:
    photos = ("9.jpg", "0.jpg", "1.jpg", "2.jpg", ENTRY.photo)
    fill(tmp_path, 3)
    with opened(tmp_path) as index:
        index.add(ENTRY)
    wreck(tmp_path)
    seen = told(tmp_path, *photos)
    with closing(Index(tmp_path, tmp_path / "another")) as index:
        assert seen == [index.get(photo) for photo in photos]
    assert told(tmp_path, *photos) == seen


@pytest.mark.parametrize("wreck", [garbage, misled])
def test_one_that_is_damaged_in_mid_run(tmp_path: Path, wreck: Callable[[Path], None]) -> None:
    fill(tmp_path, 1)
    with opened(tmp_path) as index:
        index.add(ENTRY)
    with opened(tmp_path) as index:
        wreck(tmp_path)
        assert index.get(ENTRY.photo) == ENTRY
    with opened(tmp_path) as index:
        wreck(tmp_path)
        index.add(OTHER)
        assert index.get(OTHER.photo) == OTHER
        assert index.get(ENTRY.photo) == ENTRY


def test_where_no_file_can_be_it_is_kept_in_memory(tmp_path: Path) -> None:
    append(tmp_path, ENTRY)
    with closing(Index(tmp_path, tmp_path / "no folder/index")) as index:
        index.add(OTHER)
        assert [index.get(e.photo) for e in (ENTRY, OTHER)] == [ENTRY, OTHER]


def test_a_torn_line_is_no_line(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert told(tmp_path, "1.jpg") == [None]
    path.write_bytes(path.read_bytes() + b"\n")
    assert told(tmp_path, "1.jpg") == [replace(ENTRY, photo="1.jpg")]


def test_a_damaged_line_is_told_each_time(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    told(tmp_path)
    with (tmp_path / "manifest.jsonl").open("a") as file:
        file.write("{}\n")
    for _ in range(2):
        with pytest.raises(OutputError, match="Line 3"):
            told(tmp_path)


def test_threads(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for number in range(50):
            entry = replace(ENTRY, photo=f"{name}/{number}.jpg")
            index.add(entry)
            assert index.get(entry.photo) == entry
            done.append(entry.photo)

    done: list[str] = []
    with opened(tmp_path) as index:
        threads = [Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 200
    assert None not in told(tmp_path, *done)


def test_memory_does_not_grow_with_the_entries(tmp_path: Path) -> None:
    """What Python holds; kept as entries these lines would take 6 MB."""
    fill(tmp_path, 3000)
    tracemalloc.start()
    with opened(tmp_path) as index:
        for number in range(3000):
            assert index.get(f"{number}.jpg") is not None
        most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000
