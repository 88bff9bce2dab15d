"""`difface restore` over folders: the tree mirrored, and a run that may end at any moment."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from difface_cli import models
from difface_cli.cli.app import build
from difface_cli.runs import ledger
from difface_cli.runs.session import Session
from tests.cli import quick

LOAD = models.load


@pytest.fixture(autouse=True)
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tree of photos in it, and the place one works in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("difface_cli.models.load", quick.loader())
    monkeypatch.setattr(Session, "overlaps", True)  # whatever this machine has
    quick.photos(tmp_path / "album", 3)
    quick.photos(tmp_path / "album/1912/spring", 2, size=50)
    (tmp_path / "album/notes.txt").write_text("Dear Anna,")
    return tmp_path


def restore(*arguments: str | Path) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["restore", *map(str, arguments), *quick.OPTIONS])


def whole(*arguments: str | Path) -> Any:
    return restore("album", "--recursive", "-o", "out", *arguments)


def at_photo(monkeypatch: pytest.MonkeyPatch, k: int, then: Callable[[], object]) -> None:
    """Let `then` happen while the face of the k-th photo (from 0) is drawn.

    Two photos may be read already by then, and the one before may still be written.
    """
    count = iter(range(10_000))
    hook = lambda: then() if next(count) == k else None  # noqa: E731
    monkeypatch.setattr("difface_cli.models.load", quick.loader(hook))


def files(folder: Path | str) -> dict[str, bytes]:
    """The visible files of a folder of results, without its manifest."""
    found = {str(p.relative_to(folder)): p for p in Path(folder).rglob("*") if p.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not name.startswith(".difface/") and name != "manifest.jsonl"
    }


def times(folder: str = "out") -> dict[str, int]:
    return {name: (Path(folder) / name).stat().st_mtime_ns for name in files(folder)}


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]


RESULTS = {
    f"{name}{suffix}"
    for name in ("000", "001", "002", "1912/spring/000", "1912/spring/001")
    for suffix in (".png", ".json")
}


class TestTree:
    """What is done, and where it goes."""

    def test_the_tree_is_mirrored_and_the_rest_passed_over(self) -> None:
        result = whole()
        assert result.exit_code == 0, result.output
        assert "5 photos, 1 other file passed over" in result.stderr
        assert set(files("out")) == RESULTS
        assert Path("album/notes.txt").exists()

    def test_a_plain_folder_gives_its_top_level(self) -> None:
        assert restore("album").exit_code == 0
        assert {name for name in files("restored")} == {n for n in RESULTS if "/" not in n}

    def test_globs_choose(self) -> None:
        assert whole("--include", "00[01].png", "--exclude", "spring").exit_code == 0
        assert set(files("out")) == {"000.png", "000.json", "001.png", "001.json"}

    def test_photos_that_differ_in_the_suffix_alone(self) -> None:
        Image.open("album/000.png").save("album/000.bmp")
        assert whole().exit_code == 0
        twins = {"000.png", "000.bmp", "000.png.json", "000.bmp.json"}
        assert set(files("out")) == (RESULTS - {"000.json"}) | twins

    def test_everything_that_belongs_to_a_photo_is_in_the_manifest(self) -> None:
        result = whole("--samples", "2", "--save-faces", "--report")
        assert result.exit_code == 0, result.output
        told = [name for line in lines() for name in line["outputs"]]
        assert sorted(told) == sorted(files("out"))
        assert "1912/spring/000_faces/00_input.png" in told

    def test_a_line_a_photo(self) -> None:
        whole()
        assert [line["photo"] for line in lines()] == [
            "000.png", "001.png", "002.png", "1912/spring/000.png", "1912/spring/001.png"
        ]  # fmt: skip
        for line in lines():
            assert line["status"] == "restored"
            assert line["seconds"]["total"] > 0
            assert line["input"]["path"] == f"album/{line['photo']}"

    def test_a_dry_run_keeps_no_books(self) -> None:
        assert whole("--dry-run").exit_code == 0
        assert "000.faces.png" in files("out")
        assert not Path("out/manifest.jsonl").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["empty"], "no picture in empty"),
            (["album", "-"], "stdin is no folder"),
            (["album", "-o", "x.png"], "cannot hold a folder"),
            (["album", "-o", "-"], "cannot hold a folder"),
            (["album", "-o", "album/notes.txt"], "cannot hold a folder"),
            (["album", "-o", "album"], "is an input itself"),
            (["album", "--overwrite", "-o", "linked"], "is an input itself"),
            (["album", "-o", "album/notes.txt/x"], "Nothing can be written"),
        ],
    )
    def test_what_cannot_be_is_one_sentence(self, arguments: list[str], said: str) -> None:
        Path("empty").mkdir()
        os.symlink("album", "linked")
        before = files("album")
        result = restore(*arguments)
        assert result.exit_code == 2, result.output
        assert said in result.stderr.splitlines()[0]
        assert files("album") == before


class TestAgain:
    """A run that is started again does what is left."""

    def test_nothing_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole()
        before = times()
        monkeypatch.setattr("difface_cli.models.load", None)
        result = whole()
        assert result.exit_code == 0, result.output
        assert "5 photos, 5 of them done already" in result.stderr
        assert times() == before
        assert len(lines()) == 5

    @pytest.mark.parametrize("change", ["photo", "result", "record"])
    def test_what_has_changed_is_done_anew(self, change: str) -> None:
        whole()
        before = times()
        if change == "photo":
            shutil.copy("album/1912/spring/000.png", "album/001.png")
        else:
            Path("out/001.png" if change == "result" else "out/001.json").unlink()
        assert whole().exit_code == 0
        after = times()
        assert {n for n in RESULTS if after[n] != before[n]} == {"001.png", "001.json"}
        assert [line["photo"] for line in lines()[5:]] == ["001.png"]

    def test_other_settings_do_all_anew_and_leave_nothing_of_before(self) -> None:
        whole("--samples", "2", "--save-faces")
        assert whole("--seed", "1").exit_code == 0
        changed = files("out")
        shutil.rmtree("out")
        whole("--seed", "1")
        assert changed == files("out")

    def test_another_batch_is_no_other_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole()
        monkeypatch.setattr("difface_cli.models.load", None)
        assert whole("--batch", "3").exit_code == 0

    def test_the_same_bytes_each_time(self) -> None:
        whole("--report")
        first = files("out")
        shutil.rmtree("out")
        whole("--report")
        assert files("out") == first

    def test_beside_the_networks_or_one_after_the_other(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole()
        overlapped = files("out")
        shutil.rmtree("out")
        monkeypatch.setattr(Session, "overlaps", False)
        whole()
        assert files("out") == overlapped

    def test_a_foreign_file_is_kept(self) -> None:
        Path("out").mkdir()
        Path("out/002.json").write_text("mine")
        result = whole()
        assert result.exit_code == 2
        assert "002.json exists already" in result.stderr
        assert list(files("out")) == ["002.json"]
        assert whole("--overwrite").exit_code == 0
        assert b"mine" not in files("out")["002.json"]

    def test_results_of_one_photo_in_the_place_of_anothers(self) -> None:
        Image.open("album/000.png").save("album/002.gif")
        Image.open("album/000.png").save("album/002.gif.png")
        result = whole()
        assert result.exit_code == 2
        said = "album/002.gif and album/002.gif.png would both be written to out/002.gif.png"
        assert said in result.stderr
        assert not Path("out").exists()

    def test_results_in_the_place_of_inputs(self) -> None:
        before = files("album")
        os.symlink("album", "linked")
        for output in ("album", "linked"):
            shutil.copytree("album/1912", "1912", dirs_exist_ok=True)
            result = restore("1912", "album/000.png", "--recursive", "--overwrite", "-o", output)
            assert result.exit_code == 2, result.output
            assert "album/000.png is an input itself" in result.stderr.replace(output, "album")
        assert files("album") == before

    def test_a_result_that_somebody_went_on_with_is_theirs(self) -> None:
        whole()
        Path("out/001.png").write_bytes(b"retouched")
        assert whole().exit_code == 0  # nothing is left to do
        assert whole("--seed", "1").exit_code == 2
        assert files("out")["001.png"] == b"retouched"

    def test_a_torn_manifest(self) -> None:
        whole()
        with Path("out/manifest.jsonl").open("ab") as file:
            file.write(b'{"photo": "00')
        Path("out/001.png").unlink()
        assert whole().exit_code == 0
        assert len(lines()) == 6


class TestFailures:
    """One photo that fails is one line, and stops nothing."""

    def test_one_line_each_and_exit_code_1(self) -> None:
        Path("album/001.png").write_text("no picture")
        Path("album/1912/spring/000.png").write_bytes(b"")
        result = whole()
        assert result.exit_code == 1
        said = result.stderr.splitlines()
        at = said.index("failed: 2 of 5 photos:")
        assert "album/001.png is not a picture" in said[at + 1]
        assert "album/1912/spring/000.png is empty" in said[at + 2]
        assert len(said) == at + 3
        assert len(files("out")) == 6
        failed = [line for line in lines() if line["status"] == "failed"]
        assert [line["photo"] for line in failed] == ["001.png", "1912/spring/000.png"]
        shutil.copy("album/000.png", "album/001.png")
        shutil.copy("album/000.png", "album/1912/spring/000.png")
        assert whole().exit_code == 0
        assert set(files("out")) == RESULTS

    def test_fail_fast(self) -> None:
        Path("album/001.png").write_text("no picture")
        result = whole("--fail-fast")
        assert result.exit_code == 1
        assert "of 5 photos are left" in result.stderr
        assert "album/001.png" not in files("out")
        assert len(files("out")) < 8

    def test_fail_fast_for_photos_named_one_by_one(self) -> None:
        named = sorted(Path("album").glob("*.png"))
        result = restore("album/notes.txt", *named, "--fail-fast")
        assert result.exit_code == 1
        assert len(list(Path("restored").glob("*.png"))) < 3

    def test_a_fault_of_the_program_fails_a_photo(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fault() -> None:
            raise RuntimeError("boom")

        at_photo(monkeypatch, 1, fault)
        result = whole()
        assert result.exit_code == 1
        assert "boom" in result.stderr
        assert len(files("out")) == 8

    def test_weights_that_are_missing_are_no_failure_of_each_photo(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("difface_cli.models.load", LOAD)
        monkeypatch.setenv("DIFFACE_HOME", "nothing")
        result = whole("--parser", "parsenet")
        assert result.exit_code == 2
        assert result.stderr.count("not on this machine") == 1
        assert not Path("out").exists()

    def test_a_photo_that_goes_in_mid_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        at_photo(monkeypatch, 0, lambda: Path("album/1912/spring/001.png").unlink())
        result = whole()
        assert result.exit_code == 1
        assert "album/1912/spring/001.png does not exist" in result.stderr
        assert set(files("out")) == {n for n in RESULTS if not n.startswith("1912/spring/001")}

    def test_a_photo_that_is_replaced_in_mid_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = Path("album/1912/spring/000.png")
        at_photo(monkeypatch, 1, lambda: shutil.copy(other, "album/001.png"))
        assert whole().exit_code == 0
        record = json.loads(Path("out/001.json").read_text())
        assert record["size"] == [44, 40]  # of the photo that was read, and its record
        assert whole().exit_code == 0
        assert json.loads(Path("out/001.json").read_text())["size"] == [54, 50]
        assert [line["photo"] for line in lines()[5:]] == ["001.png"]


def stop_writing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the file system refuse to open any file for writing from now on."""
    opened = os.open

    def refuse(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, flags, *rest, **named)

    monkeypatch.setattr("difface_cli.base.atomic.os.open", refuse)


class TestDisk:
    """A disk that is full, closed or gone ends the run; it goes on when that is mended."""

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
    def test_full_or_closed_in_mid_run(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        with monkeypatch.context() as patch:
            at_photo(patch, 1, lambda: stop_writing(patch, number))
            result = whole()
        assert result.exit_code == 1
        assert os.strerror(number) in result.stderr
        assert "of 5 photos are left" in result.stderr
        assert set(files("out")) <= {"000.png", "000.json"}
        self.goes_on()

    def test_the_folder_gone_in_mid_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def replace() -> None:
            os.rename("out", "moved")
            Path("out").touch()

        with monkeypatch.context() as patch:
            at_photo(patch, 1, replace)
            result = whole()
        assert result.exit_code == 1
        assert "of 5 photos are left" in result.stderr
        assert Path("out").read_bytes() == b""
        Path("out").unlink()
        os.rename("moved", "out")
        self.goes_on()

    def test_a_file_size_limit(self) -> None:
        """A real limit of the system, which the larger photos and the manifest meet."""
        resource = pytest.importorskip("resource", reason="no such limits")
        quick.photos(Path("album/large"), 2, size=160)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            result = whole()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.output
        assert "File too large" in result.stderr
        assert set(files("out")) == RESULTS
        shutil.rmtree("album/large")
        self.goes_on()

    def goes_on(self) -> None:
        assert whole().exit_code == 0
        resumed = files("out")
        assert set(resumed) == RESULTS
        shutil.rmtree("out")
        whole()
        assert resumed == files("out")


@pytest.mark.usefixtures("interruptible")
class TestInterrupts:
    """Ctrl-C is granted when the photo in hand is done."""

    @pytest.fixture(autouse=True)
    def command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["difface", "restore", "my album", "album/000.png"])

    @staticmethod
    def ctrl_c() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def test_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            at_photo(patch, 1, self.ctrl_c)
            result = whole()
        assert result.exit_code == 130
        assert {"001.png", "001.json"} < set(files("out"))
        assert len(files("out")) == 4
        assert "3 of 5 photos are left" in result.stderr
        assert "go on with: difface restore 'my album' album/000.png" in result.stderr
        assert whole().exit_code == 0
        assert set(files("out")) == RESULTS

    def test_a_second_stops_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        at_photo(monkeypatch, 1, lambda: (self.ctrl_c(), self.ctrl_c()))
        result = whole()
        assert result.exit_code == 130
        assert set(files("out")) == {"000.png", "000.json"}
        assert "go on with: " in result.stderr

    def test_photos_named_one_by_one_go_on_without_those_done(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_photo(monkeypatch, 0, self.ctrl_c)
        result = restore("album/000.png", "album/001.png", "-o", "out")
        assert result.exit_code == 130
        assert "go on with: difface restore 'my album'\n" in result.stderr
        assert set(files("out")) == {"000.png", "000.json"}


def test_a_second_run_on_the_same_folder_says_so_and_stops() -> None:
    with ledger.held(Path("out")):
        result = whole()
    assert result.exit_code == 2
    assert "Another run is writing to out" in result.stderr
    assert not files("out")
    assert whole().exit_code == 0


@pytest.mark.usefixtures("interruptible")
def test_a_scanners_folder_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path("album/002.png").read_bytes()
    Path("album/002.png").write_bytes(data[:500])

    def there(name: str) -> Iterator[None]:
        for _ in range(100_000):
            if Path("out", name).exists():
                return
            yield time.sleep(0.001)
        pytest.fail(f"{name} never came")

    def scan() -> Iterator[None]:
        yield from there("001.json")
        Path("album/new").mkdir()
        Path("album/new/003.png").write_bytes(data)
        Path("album/002.png").write_bytes(data)
        yield from there("new/003.json")
        yield from there("002.json")
        yield os.kill(os.getpid(), signal.SIGINT)

    scanner = scan()  # at work whenever the folder was looked through
    monkeypatch.setattr("difface_cli.runs.arrivals._rest", lambda *_: next(scanner))
    monkeypatch.setattr("difface_cli.runs.arrivals.PERIOD", 0)
    result = whole("--watch")
    assert result.exit_code == 0, result.output
    assert set(files("out")) == RESULTS | {"new/003.png", "new/003.json"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_runs_killed_at_random_moments() -> None:
    """A few; `python -m tests.cli.kills 40` does all."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.kills", "3", "8"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 runs killed")


def test_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each photo has 148 kB of pixels; `python -m tests.cli.memory 500` asks the system."""
    (first,) = quick.photos(Path("many"), 1, size=220)
    for k in range(1, 24):
        shutil.copy(first, f"many/{k:03d}.png")
    traced: list[int] = []
    tensors: list[int] = []

    def note() -> None:
        traced.append(tracemalloc.get_traced_memory()[0])
        if len(traced) in (8, 24):  # tensors are not traced
            tensors.append(sum(type(thing) is torch.Tensor for thing in gc.get_objects()))

    monkeypatch.setattr("difface_cli.models.load", quick.loader(note))
    # Looking at all objects disturbs a thread that is just making one.
    monkeypatch.setattr(Session, "overlaps", False)
    tracemalloc.start()
    try:
        done = restore("many", "-o", "out")
        assert done.exit_code == 0, done.output
    finally:
        tracemalloc.stop()
    assert len(traced) == 24
    assert min(traced[16:]) - min(traced[8:16]) < 500_000  # of 8 photos
    assert tensors[1] - tensors[0] < 8
