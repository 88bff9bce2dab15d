"""What was done is written down line by line, and read again whatever a crash has left."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from difface_cli.base.errors import OutputError
from difface_cli.runs import manifest
from difface_cli.runs.manifest import Entry, Stamp, append, mend, parsed

ENTRY = Entry(
    photo="1912/a.jpg",
    input=os.fsdecode(b"album/old\xff.jpg"),
    sha256="ab" * 32,
    stamp=Stamp(10, 20, 30),
    settings="0123456789abcdef",
    status="restored",
    outputs={"1912/a.jpg": "cd" * 32},
    error="",
    seconds={"total": 1.5},
    finished="2026-01-01T00:00:00+00:00",
)


def load(folder: Path) -> list[Entry]:
    """The entries of all whole lines."""
    lines = (folder / "manifest.jsonl").read_bytes().split(b"\n")[:-1]
    return [parsed(line, number, folder) for number, line in enumerate(lines, 1)]


def test_entries_come_back(tmp_path: Path) -> None:
    other = replace(ENTRY, photo="b.jpg", stamp=None, sha256="", status="failed", outputs={})
    for entry in (ENTRY, other):
        append(tmp_path, entry)
    assert load(tmp_path) == [ENTRY, other]
    assert len((tmp_path / "manifest.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("kept", range(0, 400, 13))
def test_a_torn_line_is_cut_off(tmp_path: Path, kept: int) -> None:
    append(tmp_path, ENTRY)
    whole = (tmp_path / "manifest.jsonl").read_bytes()
    assert kept < len(whole)
    (tmp_path / "manifest.jsonl").write_bytes(whole + whole[:kept])
    mend(tmp_path)
    append(tmp_path, other := replace(ENTRY, photo="b.jpg"))
    assert load(tmp_path) == [ENTRY, other]
    assert (tmp_path / "manifest.jsonl").read_bytes().startswith(whole)


def test_a_line_that_does_not_fit_on_the_disk_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path, ENTRY)
    whole = (tmp_path / "manifest.jsonl").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("difface_cli.runs.manifest.os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        append(tmp_path, replace(ENTRY, photo="b.jpg"))
    assert (tmp_path / "manifest.jsonl").read_bytes() == whole


@pytest.mark.parametrize(
    "line",
    [
        b"{}", b"[]", b"null", b"\xff", b"[" * 100_000,
        b'{"photo": "../a.jpg", "input": {"path": "a", "sha256": null, "stamp": null}}',
    ],
)  # fmt: skip
def test_a_damaged_line_is_one_sentence(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(line + b"\n")
    with pytest.raises(OutputError, match=r"Line 1 of .*manifest\.jsonl is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("field", ["photo", "outputs"])
@pytest.mark.parametrize("name", ["../a.jpg", "/etc/passwd", "", "a/../../b", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, field: str, name: str) -> None:
    append(tmp_path, replace(ENTRY, **{field: name if field == "photo" else {name: ""}}))
    with pytest.raises(OutputError, match="outside the folder"):
        load(tmp_path)


class TestHolds:
    """Whether a photo is done."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A photo, as it was read."""
        (tmp_path / "photo").write_bytes(b"photo")
        return tmp_path / "photo"

    @pytest.fixture
    def entry(self, tmp_path: Path, source: Path) -> Entry:
        """Its entry, whose result is there."""
        (tmp_path / "result").touch()
        return replace(
            ENTRY,
            stamp=Stamp.of(source),
            sha256=manifest.sha256(source),
            outputs={"result": ""},
            settings="s",
        )

    def test_it_is_done(self, tmp_path: Path, source: Path, entry: Entry) -> None:
        assert entry.holds(tmp_path, source, "s")

    def test_not_in_another_way(self, tmp_path: Path, source: Path, entry: Entry) -> None:
        assert not entry.holds(tmp_path, source, "t")

    def test_not_when_it_failed(self, tmp_path: Path, source: Path, entry: Entry) -> None:
        assert not replace(entry, status="failed").holds(tmp_path, source, "s")

    def test_not_without_its_result(self, tmp_path: Path, source: Path, entry: Entry) -> None:
        (tmp_path / "result").unlink()
        assert not entry.holds(tmp_path, source, "s")

    def test_not_of_another_photo_as_large_and_as_old(
        self, tmp_path: Path, source: Path, entry: Entry
    ) -> None:
        times = source.stat()
        source.write_bytes(b"PHOTO")
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert not entry.holds(tmp_path, source, "s")

    def test_of_the_same_photo_that_was_copied(
        self, tmp_path: Path, source: Path, entry: Entry
    ) -> None:
        source.unlink()
        source.write_bytes(b"photo")
        os.utime(source, (1, 1))
        assert entry.holds(tmp_path, source, "s")


@pytest.mark.parametrize(
    ("before", "after"),
    [("[10, 20, 30]", "[Infinity, 20, 30]"), ('"total": 1.5', f'"total": 1{"0" * 400}')],
)
def test_numbers_without_end_are_one_sentence(tmp_path: Path, before: str, after: str) -> None:
    append(tmp_path, ENTRY)
    path = tmp_path / "manifest.jsonl"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(OutputError, match="Line 1"):
        load(tmp_path)


def test_a_result_whose_name_no_system_takes_is_to_be_done(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"a")
    entry = replace(ENTRY, stamp=Stamp.of(photo), outputs={"x" * 5000: "cd" * 32})
    assert not entry.holds(tmp_path, photo, ENTRY.settings)
