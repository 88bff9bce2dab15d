"""`--engine ray` gives what the local engine gives, whatever becomes of its workers.

Ray itself takes long to start: `pytest -m heavy` tries it. Else another takes its place.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import skimage.data
import torch
from PIL import Image
from typer.testing import CliRunner

from difface_cli.cli import photos
from difface_cli.cli.app import build
from difface_cli.runs import cluster
from difface_cli.runs.jobs import Job
from tests.cli import quick
from tests.cli.test_batches import files, lines

QUICK = ["--n", "100", "--steps", "2", "--gate", "off", "--device", "cpu", "--precision", "fp32"]


def restore(*arguments: str) -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["restore", "album", "-o", "out", *QUICK, *arguments])


@pytest.fixture(autouse=True)
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four small portraits and a file that is none, and the place one works in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a worker's threads
    Path("album").mkdir()
    portrait = Image.fromarray(skimage.data.astronaut()).crop((150, 20, 300, 180))
    for k in range(4):
        portrait.crop((k, k, 130 + k, 150)).save(f"album/{k}.png")
    Path("album/broken.png").write_text("no picture")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the workers have, for more add up in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_without_ray_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = restore("--engine", "ray")
    assert result.exit_code == 2
    assert "pip install 'difface-cli[ray]'" in result.stderr
    assert not Path("out").exists()


class Ray:
    """What is used of Ray, in this process: a photo is done when it is waited for.

    Args:
        dies: whether a worker dies at this photo, the k-th time (from 1) that it is tried.
    """

    class exceptions:
        """Ray's own."""

        class RayActorError(Exception):
            """The worker died."""

    def __init__(self, dies: Callable[[str, int], bool]) -> None:
        self.dies = dies
        self.hired = 0
        self.tried: Counter[str] = Counter()

    def is_initialized(self) -> bool:
        return True

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2}}]

    def put(self, thing: Any) -> Any:
        return thing

    def remote(self, **_: float) -> Callable[[type], Any]:
        return lambda kind: SimpleNamespace(remote=partial(self._hire, kind))

    def _hire(self, kind: type, *arguments: Any) -> Any:
        self.hired += 1
        return SimpleNamespace(do=SimpleNamespace(remote=partial(_Task, kind(*arguments))))

    def wait(self, tasks: list[_Task], num_returns: int) -> tuple[list[_Task], list[_Task]]:
        return tasks[-num_returns:], tasks[:-num_returns]  # not in their order

    def get(self, task: _Task) -> Any:
        name = Path(task.job.source).name
        self.tried[name] += 1
        if self.dies(name, self.tried[name]):
            raise self.exceptions.RayActorError
        return task.worker.do(task.job)


@dataclass(frozen=True, eq=False)
class _Task:
    worker: Any
    job: Job


def spread(monkeypatch: pytest.MonkeyPatch, dies: Callable[[str, int], bool]) -> tuple[Any, Ray]:
    """The finished run on two workers, and what stood in for Ray."""
    monkeypatch.setattr("difface_cli.models.load", quick.loader())
    ray = Ray(dies)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", ray)
        return restore("--engine", "ray", "--workers", "2"), ray


def test_a_worker_that_dies_is_replaced_and_its_photo_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, ray = spread(monkeypatch, lambda name, times: name == "1.png" and times < 3)
    assert result.exit_code == 1, result.output
    assert "failed: 1 of 5 photos" in result.stderr
    assert ray.hired == 2 + 2
    assert ray.tried == Counter({"0.png": 1, "1.png": 3, "2.png": 1, "3.png": 1, "broken.png": 1})
    assert_as_alone()


def test_a_photo_that_every_worker_dies_at_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    result, ray = spread(monkeypatch, lambda name, _: name == "1.png")
    assert result.exit_code == 1, result.output
    assert "failed: 2 of 5 photos" in result.stderr
    assert "The worker died 3 times" in result.stderr
    assert ray.tried["1.png"] == 3
    assert set(files("out")) == {f"{k}.{kind}" for k in (0, 2, 3) for kind in ("png", "json")}


def assert_as_alone() -> None:
    """What lies there is what a run without Ray leaves."""
    assert sorted(line["photo"] for line in lines()) == sorted(os.listdir("album"))
    spread = {name: data for name, data in files("out").items() if not name.startswith(".")}
    shutil.rmtree("out")
    assert restore().exit_code == 1
    assert files("out") == spread


@pytest.mark.heavy
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
    assert "failed: 1 of 5 photos" in result.stderr
    assert len(killed) == 1
    assert len(crews) == 3  # one was hired in its place
    assert_as_alone()
