"""`--engine ray` gives what the local engine gives, whatever becomes of its workers."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import skimage.data
import torch
from PIL import Image
from typer.testing import CliRunner

from difface_cli.cli import photos
from difface_cli.cli.app import build
from difface_cli.runs import cluster
from tests.cli.test_batches import files, lines

QUICK = ["--n", "100", "--steps", "2", "--gate", "off", "--device", "cpu", "--precision", "fp32"]


def restore(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["restore", "album", "-o", "out", *QUICK, *arguments])


@pytest.fixture(autouse=True)
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six small portraits and a file that is none, and the place one works in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a worker's threads
    Path("album").mkdir()
    portrait = Image.fromarray(skimage.data.astronaut()).crop((150, 20, 300, 180))
    for k in range(6):
        portrait.crop((k, k, 130 + k, 150)).save(f"album/{k}.png")
    Path("album/broken.png").write_text("no picture")


def test_without_ray_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = restore("--engine", "ray")
    assert result.exit_code == 2
    assert "pip install 'difface-cli[ray]'" in result.stderr
    assert not Path("out").exists()


def test_two_workers_of_which_one_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    pids: dict[Any, Any] = {}
    killed: list[int] = []
    hire, told = cluster._Crew.hire, photos.Printer.done
    crews: list[cluster._Crew] = []

    def noted(crew: cluster._Crew) -> None:
        hire(crew)
        crews.append(crew)
        pids[crew.idle[-1]] = crew.idle[-1].__ray_call__.remote(lambda _: os.getpid())

    def kill_one(*arguments: Any) -> Any:
        """When the first photo is done, kill the worker that has the second in hand."""
        if not killed:
            (crew, *_) = crews
            (sent,) = crew.sent.values()
            killed.append(crew.ray.get(pids[sent.worker]))
            os.kill(killed[0], signal.SIGKILL)
        return told(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(cluster._Crew, "hire", noted)
        patch.setattr(photos.Printer, "done", kill_one)
        result = restore("--engine", "ray", "--workers", "2")
    assert result.exit_code == 1, result.output
    assert "failed: 1 of 7 photos" in result.stderr
    assert len(killed) == 1
    assert len(crews) == 3  # one was hired in its place
    assert sorted(line["photo"] for line in lines()) == sorted(os.listdir("album"))
    spread = files("out")
    shutil.rmtree("out")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers, for more add up in another order
    try:
        assert restore().exit_code == 1
    finally:
        torch.set_num_threads(threads)
    assert files("out") == spread
