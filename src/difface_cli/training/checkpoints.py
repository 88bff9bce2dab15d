"""All that a training resumes from, and the averaged weights that are its result."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from difface_cli.base.errors import OutputError, UsageError, WeightsInvalid
from difface_cli.training.recipe import Recipe

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"


def save(folder: Path, recipe: Recipe, state: dict[str, Any]) -> None:
    """Write checkpoint and weights, each whole or not at all.

    Args:
        state: "step" (steps done), "network", "optimizer", "averages" (of which the first is
            written as weights unless there is a best), "best" (loss, step, state; or None); plain
            containers of tensors.
    """
    try:
        _replace(folder / CHECKPOINT, lambda p: torch.save(state | _stamp(recipe), p))
        step, best = state["step"], state["averages"][0]
        if state["best"] is not None:
            _, step, best = state["best"]
        weights = {name: _half(value) for name, value in best.items()}
        facts = {
            "network": recipe.network,
            "params": dict(recipe.params),
            "size": recipe.size,
            "steps": step,
            "pictures": step * recipe.batch,
            "recipe": recipe.fingerprint,
        }
        metadata = {"config": json.dumps(facts)}
        _replace(folder / WEIGHTS, lambda p: save_file(weights, p, metadata))
    except (OSError, RuntimeError, SafetensorError) as error:  # the last two: torch's, safetensors'
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise OutputError(
            f"{folder} cannot be written: {reason}.",
            "Free some space and go on with --resume.",
        ) from None


def load(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """The state that `save` wrote.

    Raises:
        UsageError: when there is none, or it belongs to another recipe.
        WeightsInvalid: when the file is damaged.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        raise UsageError(f"There is no {path} to resume from.", "Leave --resume out to begin.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        stamp, _ = state["fingerprint"], state["averages"]
    except Exception as error:  # torch names no one error for a damaged file
        raise WeightsInvalid(
            f"{path} is damaged: {type(error).__name__}.", "Begin again without --resume."
        ) from None
    if stamp != recipe.fingerprint:
        raise UsageError(
            f"{path} was made with other settings than the recipe has now.",
            "Resume with the recipe as it was, or begin again in another --out.",
        )
    return state


def _stamp(recipe: Recipe) -> dict[str, str]:
    return {"fingerprint": recipe.fingerprint}


def _half(value: Tensor) -> Tensor:
    """In float16, unless that is too narrow, as for the variances of a detector's features."""
    value = value.detach().cpu().contiguous()
    half = value.half() if value.is_floating_point() else value
    return half if bool(half.isfinite().all()) else value


def _replace(target: Path, write: Any) -> None:
    """By way of a file beside it: a checkpoint may be too large to be held in memory twice."""
    beside = target.with_name(f".{target.name}.part")
    try:
        write(beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
