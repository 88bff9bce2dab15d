"""The folder of results in the hands of one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from difface_cli.runs import ledger
from tests.runs.test_manifest import ENTRY


def test_photos_that_have_ended_leave_the_note_of_those_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SHORT", 10)
    begun = tmp_path / ".difface/begun"
    with ledger.held(tmp_path) as books:
        books.begin("half done.jpg")
        for number in range(35):
            books.begin(f"{number}.jpg")
            noted = begun.read_text()
            assert "half done.jpg" in noted
            assert f"{number}.jpg" in noted
            books.end(replace(ENTRY, photo=f"{number}.jpg"))
        assert len(begun.read_text().split("\n\n")) <= 12
    assert begun.read_text() == '"half done.jpg"\n'


def test_a_folder_that_a_run_has_made_for_nothing_goes(tmp_path: Path) -> None:
    with ledger.held(tmp_path / "out"):
        assert (tmp_path / "out").exists()
    assert not (tmp_path / "out").exists()


def test_a_run_over_the_results_of_an_older_version(tmp_path: Path) -> None:
    """There is a manifest, and no index."""
    with ledger.held(tmp_path) as books:
        books.end(ENTRY)
    (tmp_path / ".difface/manifest.sqlite").unlink()
    (tmp_path / "1912").mkdir()
    (tmp_path / "1912/a.jpg").write_bytes(b"mine")
    with ledger.held(tmp_path) as books:
        assert not books.is_ours("1912/a.jpg", "1912/a.jpg")
        books.end(replace(ENTRY, outputs={}))
    assert (tmp_path / "1912/a.jpg").read_bytes() == b"mine"
