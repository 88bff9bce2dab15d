"""A cell counts as finished when it is exactly what the present sweep would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from difface_cli.base.errors import OutputError
from difface_cli.sweep import Cell, Done
from difface_cli.sweep.folder import SweepFolder, read_face, read_record

CELL = Cell(n=300, eta=0.5, seed=2, steps=10, estimator="own")
FACE = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)


def folder(path: Path, photo: str = "a", estimator: str = "e") -> SweepFolder:
    return SweepFolder(path, {"photo": photo, "batch": 0}, {"own": estimator, "other": "o"})


def test_a_cell_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    store = folder(tmp_path)
    assert store.finished(0, CELL) is None
    store.put(0, Done(CELL, FACE, 1.25), FACE)
    stored = folder(tmp_path).finished(0, CELL)
    assert stored is not None
    assert np.array_equal(stored.face(), FACE)
    assert stored.seconds == 1.25
    assert stored.picture.exists()


def test_cells_of_other_settings_faces_photos_or_weights_do_not_count(tmp_path: Path) -> None:
    folder(tmp_path).put(0, Done(CELL, FACE, 1.0), FACE)
    assert folder(tmp_path).finished(1, CELL) is None
    assert folder(tmp_path, photo="b").finished(0, CELL) is None
    assert folder(tmp_path, estimator="x").finished(0, CELL) is None
    for change in ({"n": 301}, {"eta": 0.4}, {"seed": 1}, {"steps": 9}, {"estimator": "other"}):
        assert folder(tmp_path).finished(0, Cell(**{**vars(CELL), **change})) is None


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, "half"])
def test_a_damaged_file_is_no_finished_cell(tmp_path: Path, damage: Any) -> None:
    store = folder(tmp_path)
    path = store.put(0, Done(CELL, FACE, 1.0), FACE).data
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage == "half" else damage)
    assert store.finished(0, CELL) is None
    with pytest.raises(OutputError, match="cannot be read"):
        read_face(path)


def test_a_failing_write_leaves_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = folder(tmp_path)
    monkeypatch.setattr("difface_cli.sweep.folder.save", lambda *_: (_ for _ in ()).throw(OSError))
    with pytest.raises(OSError):
        store.put(0, Done(CELL, FACE, 1.0), FACE)
    assert store.finished(0, CELL) is None


class TestBegin:
    """New, taken up again, refused, or begun anew."""

    def begun(self, path: Path) -> Path:
        store = folder(path)
        store.write_record({"status": "unfinished", "faces": []})
        store.put(0, Done(CELL, FACE, 1.0), FACE)
        (path / "mine.txt").write_text("kept")
        return path

    def test_an_empty_folder_is_new(self, tmp_path: Path) -> None:
        folder(tmp_path).begin(overwrite=False)

    def test_the_same_sweep_goes_on(self, tmp_path: Path) -> None:
        self.begun(tmp_path)
        folder(tmp_path).begin(overwrite=False)
        assert folder(tmp_path).finished(0, CELL)

    def test_another_photo_is_refused(self, tmp_path: Path) -> None:
        self.begun(tmp_path)
        with pytest.raises(OutputError, match="a sweep of another photo"):
            folder(tmp_path, photo="b").begin(overwrite=False)
        assert folder(tmp_path).finished(0, CELL)

    def test_overwrite_takes_away_cells_and_nothing_else(self, tmp_path: Path) -> None:
        self.begun(tmp_path)
        folder(tmp_path, photo="b").begin(overwrite=True)
        assert [path.name for path in tmp_path.rglob("*.*")] == ["mine.txt"]

    @pytest.mark.parametrize("overwrite", [True, False])
    def test_a_folder_of_other_things_is_never_used(self, tmp_path: Path, overwrite: bool) -> None:
        (tmp_path / "holiday.jpg").write_bytes(b"photo")
        with pytest.raises(OutputError, match="holds no sweep"):
            folder(tmp_path).begin(overwrite=overwrite)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"schema": 99}', "[" * 10**5])
def test_what_is_no_record_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(OutputError, match="holds no sweep that can be read"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    "face",
    [FACE[:1], np.full_like(FACE, np.nan), FACE[..., 0], FACE.astype(np.int64)],
    ids=["cut", "nan", "flat", "whole"],
)
def test_what_is_no_face_is_no_finished_cell(tmp_path: Path, face: Any) -> None:
    store = folder(tmp_path)
    path = store.put(0, Done(CELL, face, 1.0), FACE).data
    assert store.finished(0, CELL) is None
    with pytest.raises(OutputError, match="holds no face"):
        read_face(path)


def test_a_cell_without_picture_or_settings_is_not_finished(tmp_path: Path) -> None:
    store = folder(tmp_path)
    stored = store.put(0, Done(CELL, FACE, 1.0), FACE)
    stored.picture.unlink()
    assert store.finished(0, CELL) is None
    store.put(0, Done(CELL, FACE, 1.0), FACE)
    assert store.finished(0, CELL) is not None
    stored.data.write_bytes(save({"face": FACE}))
    assert store.finished(0, CELL) is None
