"""Runs over a folder killed at random moments, and what they leave: `python -m tests.cli.kills 40`.

A second number says how many photos the folder has, in the place of 30. One process imports all
that is heavy, and forks a child for each run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from difface_cli import models
from difface_cli.cli import app
from tests.cli import quick

ARGUMENTS = ["restore", "album", "--recursive", "-o", "out", *quick.OPTIONS]


def campaign(kills: int, photos: int, seed: int = 0) -> tuple[int, int]:
    """Kill runs, look at what lies there after each, and let them go on to their end.

    Returns:
        how many runs were killed, and how often all photos were done in spite of it.

    Raises:
        AssertionError: for a file that is not what an uninterrupted run writes.
    """
    chance = random.Random(seed)
    start = time.perf_counter()
    assert _wait(_begin()) == 0
    seconds = time.perf_counter() - start
    truth = _files()
    assert len(truth) == 2 * photos, sorted(truth)
    shutil.rmtree("out")
    killed = whole = 0
    while killed < kills:
        child = _begin()
        time.sleep(chance.uniform(0, 0.5 * seconds))
        os.kill(child, signal.SIGKILL)
        killed += _wait(child) == -signal.SIGKILL
        left = _files()
        assert left.items() <= truth.items(), sorted(left.keys() - truth.keys())
        if killed == kills or left == truth:
            assert _wait(_begin()) == 0
            assert _files() == truth
            assert not list(Path("out").rglob(".difface-*"))
            assert not Path("out/.difface/begun").exists()
            assert len(set(Path("out/manifest.jsonl").read_text().splitlines())) >= photos
            shutil.rmtree("out")
            whole += 1
    return killed, whole


def _begin() -> int:
    """The id of a child that restores the folder."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        for stream in (1, 2):
            os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        sys.argv = ["difface", *ARGUMENTS]
        app.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _files() -> dict[str, bytes]:
    """What can be seen in the folder of results, and not what begins with a dot."""
    found = {path.relative_to("out"): path for path in Path("out").rglob("*") if path.is_file()}
    return {
        str(name): path.read_bytes()
        for name, path in found.items()
        if not any(part.startswith(".") for part in name.parts) and name.name != "manifest.jsonl"
    }


def main(kills: int, photos: int = 30) -> None:
    """Run a campaign in a folder of its own, and print what came of it."""
    models.load = quick.loader()  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        quick.photos(Path("album"), photos // 2)
        quick.photos(Path("album/within"), photos - photos // 2, size=60)
        start = time.perf_counter()
        killed, whole = campaign(kills, photos)
        seconds = time.perf_counter() - start
        print(f"{killed} runs killed, {whole} times gone on to the end, {seconds:.0f} s")
        os.chdir("/")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
