from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from difface_cli.base.errors import ImageError
from difface_cli.training.pictures import Pictures, square


def test_all_pictures_of_a_folder_and_its_subfolders(folder: Path) -> None:
    pictures = Pictures.of(16, folder)
    assert [p.name for p in pictures.paths] == [f"{i}.png" for i in range(6)]
    assert pictures[5].shape == (16, 16, 3)


def test_nothing_is_read_before_it_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("opened")

    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", refuse)
        pictures = Pictures.of(16, folder)
    for i in range(len(pictures)):
        pictures[i]
    kept = [v for v in vars(pictures).values() if isinstance(v, np.ndarray)]
    assert not kept


def test_the_middle_square_is_taken(tmp_path: Path) -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert (square(tmp_path / "wide.png", 8) == 200).all()


def test_bad_files_are_skipped_and_named_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0.png").write_bytes(b"no picture")
    good = (folder / "2.png").read_bytes()
    (folder / "3.png").write_bytes(good[: len(good) // 2])
    pictures = Pictures.of(16, folder)
    with caplog.at_level(logging.WARNING, "difface_cli"):
        for _ in range(2):
            np.testing.assert_array_equal(pictures[0], pictures[1])
            np.testing.assert_array_equal(pictures[3], pictures[4])
    assert {p.name for p in pictures.bad} == {"0.png", "3.png"}
    assert len(caplog.records) == 2


def test_no_other_program_is_run_for_a_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow gives a PostScript file, whatever its suffix, to Ghostscript."""
    run: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *a, **k: run.append(a))
    (folder / "0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EOF\n")
    pictures = Pictures.of(16, folder)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert {p.name for p in pictures.bad} == {"0.png"}
    assert not run


def test_whatever_a_decoder_raises_costs_one_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = square(folder / "2.png", 16)

    def decode(path: Path, size: int) -> object:
        if path.name == "0.png":
            raise IndexError("list index out of range")
        return good

    monkeypatch.setattr("difface_cli.training.pictures.square", decode)
    assert Pictures.of(16, folder)[0] is good


def test_a_folder_of_nothing_but_bad_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ImageError, match="None of the pictures"):
        Pictures.of(16, tmp_path)[0]


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no picture"):
        Pictures.of(16, tmp_path)
    with pytest.raises(ImageError, match="no folder"):
        Pictures.of(16, tmp_path / "x")


def test_cameras_that_were_turned_are_turned_back(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 200
    exif = Image.Exif()
    exif[0x0112] = 3  # held upside down
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(square(tmp_path / "turned.png", 16), pixels[::-1])


def test_decoded_pictures_need_their_files_no_more(folder: Path) -> None:
    pictures = Pictures.of(16, folder)
    before = [pictures[i].copy() for i in range(6)]
    pictures.decode()
    for path in pictures.paths:
        path.unlink()
    for i, pixels in enumerate(before):
        assert np.array_equal(pictures[i], pixels)
