"""difface train as a user runs it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from difface_cli.cli import app as shell
from difface_cli.models import loading
from difface_cli.networks import build
from difface_cli.training import checkpoints, launching
from difface_cli.training.recipe import Recipe
from tests.cli.shell import difface
from tests.training.conftest import SRCNN
from tests.training.conftest import folder as folder

PARAMS = {"num_chns": 8, "depth": 2, "down_scale_factor": 2}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SRCNN + "[data]\ngray = 0.1\n")
    return path


def run(*arguments: Path | str) -> Result:
    app, _ = shell.build()
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_a_training_from_the_command_line(toml: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_bytes(b"")
    out = tmp_path / "out"
    done = run("estimator", toml, "--data", folder, "--out", out)
    assert done.exit_code == 0, done.output
    assert "step 4" in done.stdout and "bad.png is skipped" in done.stderr
    build("srcnn", PARAMS).load_state_dict(load_file(out / "weights.safetensors"), strict=True)
    names = {path.name for path in out.iterdir()}
    assert names == {"checkpoint.pt", "weights.safetensors", "metrics.csv", "sheets", "tensorboard"}


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_used_where_the_processor_has_it(
    toml: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(loading, "_computes_bf16", lambda device: native)
    seen: list[str] = []

    def fabric(recipe: Recipe, wishes: object, kind: str) -> object:
        seen.append(recipe.precision)
        return made(recipe, wishes, kind)

    made = launching._fabric
    monkeypatch.setattr(launching, "_fabric", fabric)
    toml.write_text('precision = "bf16"\n' + toml.read_text())
    done = run("estimator", toml, "--data", folder, "--out", tmp_path / "o", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert seen == ["bf16" if native else "fp32"]
    assert ("trained in fp32" in done.stderr) != native


@pytest.mark.heavy
def test_two_processes_give_what_one_gives(toml: Path, folder: Path, tmp_path: Path) -> None:
    def arguments(devices: str) -> list[str]:
        out = str(tmp_path / devices)
        said = ["estimator", str(toml), "--data", str(folder), "--out", out, "--device", "cpu"]
        return [*said, "--devices", devices]

    alone = run(*arguments("1"))
    assert alone.exit_code == 0, alone.output
    shared = difface("train", *arguments("2"), OMP_NUM_THREADS="1")
    assert shared.returncode == 0, shared.stderr
    weights = [load_file(tmp_path / d / "weights.safetensors") for d in "12"]
    torch.testing.assert_close(*weights, rtol=1e-2, atol=1e-3)
    lines = [(tmp_path / d / "metrics.csv").read_text().splitlines() for d in "12"]
    losses = [[float(line.split(",")[1]) for line in some[1:]] for some in lines]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_a_checkpoint_to_resume_from(
    toml: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    toml.write_text(toml.read_text().replace("steps = 4", "steps = 500"))
    arguments = ["estimator", toml, "--data", folder, "--out", out]
    save = checkpoints.save

    with monkeypatch.context() as patch:

        def interrupted(*given: Any) -> None:
            patch.undo()
            save(*given)
            os.kill(os.getpid(), signal.SIGINT)

        patch.setattr(checkpoints, "save", interrupted)
        done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "--resume" in done.stdout

    def steps() -> int:
        return int(torch.load(out / "checkpoint.pt", weights_only=True)["step"])

    assert steps() == 3  # a checkpoint was written after two, and then the step in hand done
    resumed = run(*arguments, "--resume", "--minutes", "0")
    assert resumed.exit_code == 0, resumed.output
    assert steps() == 4


def test_a_folder_with_a_training_is_not_overwritten(
    toml: Path, folder: Path, tmp_path: Path
) -> None:
    arguments = ("estimator", toml, "--data", folder, "--out", tmp_path / "out")
    assert run(*arguments).exit_code == 0
    before = (tmp_path / "out" / "weights.safetensors").read_bytes()
    again = run(*arguments)
    assert again.exit_code != 0 and "--resume" in again.output
    assert (tmp_path / "out" / "weights.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "--data"),
        (("--data", "nowhere"), "nowhere"),
        (("--resume",), "--data"),
        (("--data", "{pictures}", "--resume"), "to resume from"),
        (("--data", "{pictures}", "--resume", "--start", "x"), "--start"),
        (("--data", "{pictures}", "--devices", "3", "--device", "cpu"), "3 equal parts"),
        (("--data", "{pictures}", "--machines", "2"), "torchrun"),
        (("--data", "{pictures}", "--start", "{toml}"), "damaged"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    toml: Path, folder: Path, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    filled = [a.format(pictures=folder, toml=toml) for a in arguments]
    done = run("estimator", toml, *filled, "--out", tmp_path / "out")
    assert done.exit_code != 0 and problem in done.output
    assert not (tmp_path / "out").exists()


def test_a_recipe_for_something_else(toml: Path, folder: Path) -> None:
    toml.write_text('task = "prior"\n' + toml.read_text())
    assert "task is 'prior' and not 'estimator'" in run("estimator", toml, "--data", folder).output


def test_a_network_that_cannot_be_built(toml: Path, folder: Path) -> None:
    toml.write_text(toml.read_text().replace("num_chns = 8", "num_chns = -1"))
    assert "The recipe's network" in run("estimator", toml, "--data", folder).output
