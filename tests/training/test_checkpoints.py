from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from difface_cli.base.errors import OutputError, UsageError, WeightsInvalid
from difface_cli.training import checkpoints
from difface_cli.training.recipe import Recipe

STATE = {
    "step": 3,
    "network": {"w": torch.ones(2)},
    "optimizer": {"state": {}},
    "averages": [{"w": torch.full((2,), 0.5), "n": torch.tensor(4)}],
    "best": None,
}


def test_what_was_saved_comes_back(recipe: Recipe, tmp_path: Path) -> None:
    checkpoints.save(tmp_path, recipe, dict(STATE))
    loaded = checkpoints.load(tmp_path, recipe)
    assert {k: loaded[k] for k in ("step", "optimizer")} == {"step": 3, "optimizer": {"state": {}}}
    torch.testing.assert_close(loaded["averages"], STATE["averages"])


def test_another_recipe_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    checkpoints.save(tmp_path, recipe, dict(STATE))
    with pytest.raises(UsageError, match="other settings"):
        checkpoints.load(tmp_path, replace(recipe, fingerprint="0"))


def test_nothing_to_resume(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="to resume from"):
        checkpoints.load(tmp_path, recipe)


def test_a_damaged_checkpoint(recipe: Recipe, tmp_path: Path) -> None:
    checkpoints.save(tmp_path, recipe, dict(STATE))
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WeightsInvalid, match="damaged"):
        checkpoints.load(tmp_path, recipe)


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), RuntimeError("No space left: PytorchStreamWriter")],
)
def test_a_failed_save_leaves_the_last_one(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    checkpoints.save(tmp_path, recipe, dict(STATE))

    def fail(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OutputError, match="No space left"):
        checkpoints.save(tmp_path, recipe, dict(STATE) | {"step": 4})
    assert checkpoints.load(tmp_path, recipe)["step"] == 3
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} >= {"checkpoint.pt"}
    assert not list(tmp_path.glob(".*.part"))


def test_averages_too_wide_for_float16_stay_as_they_are(recipe: Recipe, tmp_path: Path) -> None:
    wide = {"variance": torch.tensor([1e5, 1.0]), "w": torch.tensor([0.5])}
    checkpoints.save(tmp_path, recipe, STATE | {"averages": [wide]})
    weights = load_file(tmp_path / checkpoints.WEIGHTS)
    assert torch.equal(weights["variance"], wide["variance"])
    assert weights["w"].dtype == torch.float16


def test_the_weights_are_the_best_ones_where_they_were_measured(
    recipe: Recipe, tmp_path: Path
) -> None:
    best = (0.1, 2, {"w": torch.full((2,), 0.25)})
    checkpoints.save(tmp_path, recipe, dict(STATE) | {"best": best})
    assert torch.equal(
        load_file(tmp_path / checkpoints.WEIGHTS)["w"], torch.full((2,), 0.25).half()
    )
    with safe_open(tmp_path / checkpoints.WEIGHTS, "pt") as file:
        facts = json.loads(file.metadata()["config"])
    assert facts["steps"] == 2 and facts["pictures"] == 2 * recipe.batch
