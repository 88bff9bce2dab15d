"""Files that appear whole, in their place, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from difface_cli.base.errors import OutputError
from difface_cli.images import Photo, format_for, read, write

from .pictures import noise, photo_of


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.JPEG", "JPEG"),
        ("a.png", "PNG"),
        ("a.WebP", "WEBP"),
        ("a.tif", "TIFF"),
        ("a b.ü.tiff", "TIFF"),
        ("a.bmp", "BMP"),
    ],
)
def test_suffix_decides_the_format(name: str, format: str, tmp_path: Path) -> None:
    assert format_for(Path(name)) == format
    write(photo_of("rgb", 8), tmp_path / name)
    assert read(tmp_path / name).format == format
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpg.txt", ".png"])
def test_other_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="suffix") as caught:
        write(photo_of("rgb", 8), tmp_path / name)
    assert ".webp" in caught.value.hint
    assert not os.listdir(tmp_path)


def test_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(photo_of("rgb", 8), tmp_path / "a.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_result_is_synced_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        order.append("fsync")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> None:
        order.append(source.name)
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(photo_of("rgb", 8), tmp_path / "a.png")
    assert order[0] == "fsync"
    assert order[1].startswith(".")
    assert len(order) == 2


@pytest.mark.parametrize("step", ["encode", "fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_the_old_file_and_nothing_else(
    step: str, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    target = tmp_path / "a.png"
    target.write_bytes(b"the old file")
    if step == "encode":
        monkeypatch.setattr(Image.Image, "save", fail)
    else:
        monkeypatch.setattr(os, step, fail)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write(photo_of("rgb", 8), target)
    if isinstance(caught.value, OutputError):
        assert "No space left on device" in caught.value.message
        assert caught.value.hint
    assert target.read_bytes() == b"the old file"
    assert os.listdir(tmp_path) == ["a.png"]


def test_disk_that_fills_up_midway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path: Path, *arguments: int) -> int:
        os.close(real(path, *arguments))
        return real("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OutputError, match="No space left"):
        write(Photo(noise(100, 100, 3)), tmp_path / "a.png")
    assert not os.listdir(tmp_path)


def test_targets_that_are_no_files(tmp_path: Path) -> None:
    given = photo_of("rgb", 8)
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name, match in (
        ("folder.png", "folder"),
        ("pipe.png", "pipe or device"),
        ("missing/a.png", "no folder"),
        ("x" * 300 + ".png", "cannot be written"),
        ("a\0b.png", "cannot be written"),
    ):
        with pytest.raises(OutputError, match=match) as caught:
            write(given, tmp_path / name)
        assert caught.value.hint
    assert sorted(os.listdir(tmp_path)) == ["folder.png", "pipe.png"]


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)  # root may write whatever chmod says
    with pytest.raises(OutputError, match="Permission denied"):
        write(photo_of("rgb", 8), tmp_path / "a.png")
