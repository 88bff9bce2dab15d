from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor

from difface_cli.base.errors import UsageError
from difface_cli.training import checkpoints, loop, making
from difface_cli.training.feed import Shares
from difface_cli.training.loop import Report, Task, TrainingError, fit
from difface_cli.training.recipe import Recipe


def task(recipe: Recipe, folder: Path, seconds: float = float("inf")) -> Task:
    folder.mkdir(exist_ok=True)
    state = checkpoints.load(folder, recipe) if (folder / "checkpoint.pt").exists() else None
    network = making.network(recipe)
    objective = making.objective(recipe)
    return Task(recipe, network, objective, None, folder, state, seconds)


def train(
    recipe: Recipe, folder: Path, seconds: float = float("inf"), say: object = None
) -> dict[str, Tensor]:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    fit(fabric, task(recipe, folder, seconds), say or (lambda report: None))  # type: ignore[arg-type]
    return load_file(folder / "weights.safetensors")


def state(folder: Path) -> dict[str, object]:
    loaded: dict[str, object] = torch.load(folder / "checkpoint.pt", weights_only=True)
    return loaded


def test_a_stopped_and_resumed_training_is_the_uninterrupted_one(
    recipe: Recipe, tmp_path: Path
) -> None:
    train(recipe, tmp_path / "whole")
    train(recipe, tmp_path / "halves", seconds=0)  # stops after its first step
    assert state(tmp_path / "halves")["step"] == 1
    train(recipe, tmp_path / "halves")
    whole, halves = state(tmp_path / "whole"), state(tmp_path / "halves")
    assert whole["step"] == halves["step"] == 4
    for part in ("network", "averages", "optimizer"):
        torch.testing.assert_close(whole[part], halves[part], rtol=0, atol=0)
    rows = [list(csv.reader((tmp_path / f / "metrics.csv").open())) for f in ("whole", "halves")]
    assert rows[0] == rows[1] and len(rows[0]) == 5


def test_lines_after_the_last_checkpoint_are_not_doubled(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    train(recipe, folder, seconds=0)
    with (folder / "metrics.csv").open("a") as file:
        file.write("2,1.0,1.0\n3,1.0,1.0\n")  # written before the run was killed
    train(recipe, folder)
    steps = [row["step"] for row in csv.DictReader((folder / "metrics.csv").open())]
    assert steps == ["1", "2", "3", "4"]


def test_parts_of_a_batch_add_up_to_the_batch(recipe: Recipe, tmp_path: Path) -> None:
    whole = train(recipe, tmp_path / "whole")
    parts = train(replace(recipe, accumulate=4), tmp_path / "parts")
    torch.testing.assert_close(whole, parts, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_processes_share_the_batch_of_each_step(recipe: Recipe, accumulate: int) -> None:
    recipe, objective = replace(recipe, accumulate=accumulate), making.objective(recipe)

    def batch(rank: int, world: int) -> list[Tensor]:
        parts = Shares(recipe, objective, rank, world)[3]
        assert len(parts) == accumulate
        return [torch.cat(tensors) for tensors in zip(*parts, strict=True)]

    shares = [torch.cat(tensors) for tensors in zip(batch(0, 2), batch(1, 2), strict=True)]
    for one, whole in zip(shares, batch(0, 1), strict=True):
        assert torch.equal(one, whole)
        assert len(whole) == recipe.batch


def test_training_learns(recipe: Recipe, tmp_path: Path) -> None:
    losses: list[float] = []

    def say(report: Report) -> None:
        losses.append(float(report.values["loss"] or 0))

    goal = replace(recipe.goal, degradation="none")
    rarely = replace(recipe.every, checkpoint=1000)
    train(replace(recipe, steps=200, goal=goal, every=rarely), tmp_path / "o", say=say)
    assert losses[-1] < 0.5 * losses[0]


def test_the_weights_are_the_averaged_ones_in_float16(recipe: Recipe, tmp_path: Path) -> None:
    weights = train(recipe, tmp_path / "o")
    averages = state(tmp_path / "o")["averages"]
    assert isinstance(averages, list) and len(averages) == 1
    (average,) = averages
    assert weights.keys() == average.keys()
    for name, value in weights.items():
        torch.testing.assert_close(value, average[name].half(), rtol=0, atol=0)


def test_a_loss_that_is_no_number_ends_the_training(recipe: Recipe, tmp_path: Path) -> None:
    endless = replace(recipe, optimizer=replace(recipe.optimizer, rate=1e30, name="adamw"))
    with pytest.raises(TrainingError, match="no number"):
        train(replace(endless, steps=20), tmp_path / "o")


def test_a_size_that_does_not_fit_the_network(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="17 pixels"):
        making.network(replace(recipe, size=17))


def test_a_batch_that_cannot_be_shared(recipe: Recipe) -> None:
    with pytest.raises(TrainingError, match="3 equal parts"):
        loop.check(recipe, 3)


def test_a_sheet_and_a_validation_loss_are_kept(recipe: Recipe, tmp_path: Path) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    made = task(recipe, tmp_path / "o")
    reports: list[Report] = []
    fit(fabric, replace(made, validation=made.objective), reports.append)
    assert [path.name for path in (tmp_path / "o" / "sheets").iterdir()] == ["00000004.png"]
    assert [r.values["validation"] is not None for r in reports] == [False, False, False, True]


def test_of_several_averages_the_one_is_kept_that_does_best_on_other_pictures(
    recipe: Recipe, tmp_path: Path
) -> None:
    """With a rate this high only the slowest average stays where nothing was learned wrongly."""
    folder = tmp_path / "o"
    every = replace(recipe.every, sheet=2)
    wild = replace(recipe, ema=(0.0, 0.5), optimizer=replace(recipe.optimizer, rate=0.3))
    made = task(replace(wild, every=every), folder)
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    reports: list[Report] = []
    fit(fabric, replace(made, validation=made.objective), reports.append)
    loss, step, best = state(folder)["best"]  # type: ignore[misc]
    measured = {r.step: r.values["validation"] for r in reports if r.values["validation"]}
    assert loss == min(measured.values()) and measured[step] == loss
    for name, value in load_file(folder / "weights.safetensors").items():
        torch.testing.assert_close(value, best[name].half(), rtol=0, atol=0)


def test_a_compiled_network_learns_the_same(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = torch.nn.Module.compile
    calls: list[int] = []

    def eager(self: torch.nn.Module) -> None:
        calls.append(1)
        compiled(self, backend="eager")

    monkeypatch.setattr(torch.nn.Module, "compile", eager)
    plain = train(recipe, tmp_path / "plain")
    assert not calls
    torch.testing.assert_close(train(replace(recipe, compile=True), tmp_path / "compiled"), plain)
    assert calls
