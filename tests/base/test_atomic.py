"""Files appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from difface_cli.base import atomic
from difface_cli.base.errors import OutputError


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_writes_with_the_users_permissions(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        atomic.write(tmp_path / "a", b"new")
    finally:
        os.umask(umask)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("broken", ["os.fsync", "os.replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(f"difface_cli.base.atomic.{broken}", fail)
    with pytest.raises(OutputError, match="No space left"):
        atomic.write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


def test_what_is_no_file_or_has_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for target in ("folder", "pipe", "absent/a", "nul\0l"):
        with pytest.raises(OutputError):
            atomic.write(tmp_path / target, b"")
    assert names(tmp_path) == {"folder", "pipe"}
