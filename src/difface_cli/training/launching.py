"""A recipe trained on the devices asked for, in a folder that may hold its checkpoint."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from difface_cli.base.errors import OutputError, UsageError
from difface_cli.models import resolve_device, resolve_precision
from difface_cli.runs import jobs as outputs
from difface_cli.training import checkpoints, making
from difface_cli.training.recipe import Recipe

if TYPE_CHECKING:
    from difface_cli.training.loop import Report

log = logging.getLogger(__name__)

PRECISIONS: dict[str, Any] = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True)
class Wishes:
    """What the command line says beside the recipe."""

    data: tuple[Path, ...] = ()
    validation: tuple[Path, ...] = ()
    start: Path | None = None
    resume: bool = False
    minutes: float | None = None
    device: str = "auto"
    devices: int = 1
    machines: int = 1


def run(recipe: Recipe, folder: Path, wishes: Wishes, say: Callable[[Report], None]) -> int:
    """Train in `folder`; the number of steps done.

    Raises:
        UsageError: when the extra is not installed, or there is nothing to resume.
        OutputError: when the folder holds another training already.
    """
    loop = _engine()
    recipe = _with(recipe, wishes)
    place = resolve_device(wishes.device)
    if recipe.precision == "fp16" and place.type == "cpu":
        raise UsageError("A CPU does not train in fp16.", "Write precision bf16 or fp32.")
    recipe = _in_time(recipe, place)
    objective = making.objective(recipe)
    measured = recipe.data.validation or recipe.data.holdout
    validation = making.objective(recipe, validation=True) if measured else None
    state = checkpoints.load(folder, recipe) if wishes.resume else None
    if state is None and (folder / checkpoints.CHECKPOINT).exists() and _first():
        raise OutputError(
            f"{folder} holds a training already.", "Go on with --resume, or choose another --out."
        )
    network = making.network(recipe, wishes.start if state is None else None)
    task = loop.Task(
        recipe=recipe,
        network=network,
        objective=objective,
        validation=validation,
        folder=folder,
        state=state,
        seconds=float("inf") if wishes.minutes is None else 60 * wishes.minutes,
    )
    with outputs.folder(folder):
        return _launched(loop, _fabric(recipe, wishes, place.type), task, say)


def _engine() -> Any:
    try:
        from difface_cli.training import loop
    except ImportError as error:
        raise UsageError(
            f"Training needs {error.name}, which is not installed.",
            'Install it with: pip install "difface-cli[train]".',
        ) from None
    return loop


def _with(recipe: Recipe, wishes: Wishes) -> Recipe:
    if wishes.resume and wishes.start:
        raise UsageError("--start is for the beginning, and --resume goes on.", "Leave one out.")
    data = replace(
        recipe.data,
        pictures=wishes.data or recipe.data.pictures,
        validation=wishes.validation or recipe.data.validation,
    )
    return replace(recipe, data=data)


def _in_time(recipe: Recipe, place: torch.device) -> Recipe:
    """The recipe in float32 where bfloat16 would be emulated, and train many times slower."""
    if recipe.precision != "bf16" or resolve_precision("auto", place) == torch.bfloat16:
        return recipe
    log.warning("this processor has no instructions for bf16: trained in fp32")
    return replace(recipe, precision="fp32")


def _fabric(recipe: Recipe, wishes: Wishes, kind: str) -> Any:
    """The engine on the devices wished for: processes of its own, or those torchrun started."""
    from lightning_fabric import Fabric

    torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    if wishes.machines > 1 and not torchrun:
        raise UsageError(
            f"--machines {wishes.machines} needs a start on each of them.",
            f"Use: torchrun --nnodes {wishes.machines} --nproc-per-node {wishes.devices} "
            "--rdzv-endpoint HOST:PORT -m difface_cli train ...",
        )
    many = wishes.devices * wishes.machines > 1
    strategy = "auto" if not many else "ddp" if torchrun else "ddp_spawn"
    return Fabric(
        accelerator=kind,
        devices=wishes.devices,
        num_nodes=wishes.machines,
        strategy=strategy,
        precision=PRECISIONS[recipe.precision],
    )


def _launched(loop: Any, fabric: Any, task: Any, say: Callable[[Report], None]) -> int:
    from torch.multiprocessing.spawn import ProcessRaisedException

    loop.check(task.recipe, fabric.world_size)
    try:
        if fabric.world_size > 1 and "TORCHELASTIC_RUN_ID" not in os.environ:
            # As an argument, Fabric would look into the task, and it takes no frozen dataclass.
            done: int = fabric.launch(partial(_own, loop.fit, task, say))
            return done
        fabric.launch()
        return int(loop.fit(fabric, task, say))
    except ProcessRaisedException as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise loop.TrainingError(
            f"One of the processes failed: {reason}", "Correct that and go on with --resume."
        ) from None


def _own(fit: Any, task: Any, say: Callable[[Report], None], fabric: Any) -> int:
    """In a started process: train on tensors of its own, for those it is sent are shared."""
    own = replace(task, network=deepcopy(task.network), state=deepcopy(task.state))
    return int(fit(fabric, own, say))


def _first() -> bool:
    """Whether this is the only process, or the first of those torchrun started."""
    return os.environ.get("RANK", "0") == "0"
