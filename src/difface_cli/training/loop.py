"""The engine: Lightning Fabric runs any objective, on one device or many."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.func import functional_call

from difface_cli.base.errors import DifFaceError
from difface_cli.base.interrupts import Interrupts
from difface_cli.images import Photo, write
from difface_cli.training import checkpoints
from difface_cli.training.average import Average
from difface_cli.training.feed import feed
from difface_cli.training.metrics import Metrics
from difface_cli.training.objective import Batch, Objective
from difface_cli.training.rates import rate
from difface_cli.training.recipe import Recipe

SHEETS = "sheets"
VALIDATION_BATCHES = 4
OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
Values = dict[str, float | None]


class TrainingError(DifFaceError):
    """A training that cannot go on."""


@dataclass(frozen=True)
class Task:
    """What to run.

    Attributes:
        network: as it begins, on the CPU in float32.
        objective, validation: what is learned, and the same on pictures kept apart, or None.
        folder: for checkpoint, weights, metrics and sheets; it exists.
        state: of the checkpoint to resume from, None to begin.
        seconds: after which to stop at a checkpoint, should the recipe not have ended by then.
    """

    recipe: Recipe
    network: nn.Module
    objective: Objective
    validation: Objective | None
    folder: Path
    state: Mapping[str, Any] | None = None
    seconds: float = math.inf


@dataclass(frozen=True)
class Report:
    """A line on the way: steps done, the numbers since the last line, pictures a second."""

    step: int
    values: Values
    speed: float


def fit(fabric: Fabric, task: Task, say: Callable[[Report], None]) -> int:
    """Train, leaving checkpoint and averaged weights in the task's folder.

    Args:
        fabric: launched.
        say: hears of every logged line, in the first process.

    Returns:
        The steps done, fewer than the recipe's after an interrupt or when the time was up.

    Raises:
        TrainingError: when the processes cannot share the batch, or the loss is no number.
    """
    check(task.recipe, fabric.world_size)
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # every step has the same shapes
    run = _Run(fabric, task)
    with Interrupts() as interrupts:
        if fabric.is_global_zero:
            with Metrics(task.folder, run.done) as metrics:
                run.go(interrupts, say, metrics)
        else:
            run.go(interrupts, say, None)
    return run.done


def check(recipe: Recipe, processes: int) -> None:
    """Raise TrainingError unless so many processes can share the recipe's batches."""
    shares = processes * recipe.accumulate
    if recipe.batch % shares:
        raise TrainingError(
            f"A batch of {recipe.batch} cannot be split into {shares} equal parts.",
            "Change batch, accumulate or the number of devices.",
        )


@dataclass(frozen=True)
class Best:
    """The averaged weights that had the lowest loss on pictures for validation, and when."""

    loss: float
    step: int
    state: Mapping[str, Tensor]


class _Run:
    """A training on its way."""

    def __init__(self, fabric: Fabric, task: Task) -> None:
        self.fabric, self.task, self.recipe = fabric, task, task.recipe
        self.bare = task.network.train()
        if self.recipe.channels_last:
            self.bare.to(memory_format=torch.channels_last)
        settings = self.recipe.optimizer
        made = OPTIMIZERS[settings.name](
            self.bare.parameters(),
            lr=settings.rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )  # type: ignore[call-arg]
        # Measured and shown are other weights, for which nothing is worth compiling again.
        self.shown = (
            copy.deepcopy(self.bare).to(fabric.device) if self.recipe.compile else self.bare
        )
        if self.recipe.compile:
            self.bare.compile()
        self.network, self.optimizer = fabric.setup(self.bare, made)
        self.averages = [Average(self.bare, decay) for decay in self.recipe.ema]
        self.best: Best | None = None
        self.done = 0
        if task.state is not None:
            self._resume(task.state)

    def _resume(self, state: Mapping[str, Any]) -> None:
        self.done = int(state["step"])
        self.bare.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        for average, values in zip(self.averages, state["averages"], strict=True):
            for name, value in values.items():
                average.state[name].copy_(value)
        if state["best"] is not None:
            self.best = Best(*state["best"])

    def go(
        self, interrupts: Interrupts, say: Callable[[Report], None], metrics: Metrics | None
    ) -> None:
        """Step until the recipe ends, the time is up, or somebody interrupts."""
        start = since = time.monotonic()
        sums: dict[str, Tensor] = {}
        seen = 0
        for parts in feed(self.recipe, self.task.objective, self.fabric, self.done):
            for name, value in self._step(parts).items():
                sums[name] = sums[name] + value if seen else value
            seen += 1
            last = self._ends(interrupts, time.monotonic() - start)
            if last or self.done % self.recipe.every.log == 0:
                values = self._values(sums, seen, last)
                if metrics is not None:
                    metrics.line(self.done, values)
                    speed = self.recipe.batch * seen / (time.monotonic() - since)
                    say(Report(self.done, values, speed))
                since, seen = time.monotonic(), 0
            if metrics is not None and (last or self.done % self.recipe.every.sheet == 0):
                self._sheet(metrics)
            if last or self.done % self.recipe.every.checkpoint == 0:
                self._save()
            if last:
                return

    def _step(self, parts: Sequence[Batch]) -> dict[str, Tensor]:
        """One step of the optimizer; the losses, averaged over the parts, without a gradient."""
        recipe = self.recipe
        now = rate(recipe.optimizer, self.done, recipe.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = now
        # What a network draws by itself, such as dropout, follows from the step as well.
        torch.manual_seed((recipe.seed << 20) + self.done * self.fabric.world_size
                          + self.fabric.global_rank)  # fmt: skip
        losses: dict[str, Tensor] = {}
        for index, part in enumerate(parts):
            waits = index < len(parts) - 1
            with self.fabric.no_backward_sync(self.network, enabled=waits):
                part_losses = self.task.objective.loss(self.network, self._placed(part))
                self.fabric.backward(part_losses["loss"] / len(parts))
            for name, value in part_losses.items():
                share = value.detach() / len(parts)
                losses[name] = losses[name] + share if name in losses else share
        if recipe.optimizer.clip:
            self.fabric.clip_gradients(
                self.network,
                self.optimizer,
                max_norm=recipe.optimizer.clip,
                error_if_nonfinite=False,  # asking would wait for the device at every step
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for average in self.averages:
            average.update(self.bare, self.done)
        self.done += 1
        return losses

    def _placed(self, batch: Batch) -> Batch:
        """The batch on the device, pictures in the network's memory format."""
        last = torch.channels_last if self.recipe.channels_last else torch.contiguous_format
        return tuple(
            x.contiguous(memory_format=last) if isinstance(x, Tensor) and x.ndim == 4 else x
            for x in (self.fabric.to_device(x) for x in batch)
        )

    def _ends(self, interrupts: Interrupts, seconds: float) -> bool:
        """Whether this step is the last; processes agree on it, at logged steps."""
        if self.done >= self.recipe.steps:
            return True
        stop = interrupts.seen or seconds >= self.task.seconds
        if self.fabric.world_size == 1:
            return stop
        if self.done % self.recipe.every.log:
            return False
        return bool(self.fabric.broadcast(stop))

    def _values(self, sums: Mapping[str, Tensor], seen: int, last: bool) -> Values:
        """Means over the steps seen and over the processes."""
        means: Any = self.fabric.all_reduce({name: value / seen for name, value in sums.items()})
        values: Values = {name: float(value) for name, value in means.items()}
        if not math.isfinite(values["loss"] or 0):
            raise TrainingError(
                f"At step {self.done} the loss is no number any more.",
                "Lower the rate or set clip, and go on from the last checkpoint with --resume.",
            )
        values["rate"] = self.optimizer.param_groups[0]["lr"]
        if self.task.validation is not None:
            due = last or self.done % self.recipe.every.sheet == 0
            values["validation"] = self._validated(self.task.validation) if due else None
        return values

    def _validated(self, objective: Objective) -> float:
        """The lowest loss of the averaged networks on the first pictures they do not learn from."""
        losses = [self._loss(objective, average.state) for average in self.averages]
        loss = min(losses)
        if self.best is None or loss < self.best.loss:
            state = self.averages[losses.index(loss)].state
            self.best = Best(loss, self.done, {k: v.clone() for k, v in state.items()})
        return loss

    @torch.no_grad()
    def _loss(self, objective: Objective, weights: Mapping[str, Tensor]) -> float:
        size = max(1, self.recipe.batch // self.recipe.accumulate // self.fabric.world_size)
        losses = []
        for start in range(0, VALIDATION_BATCHES * size, size):
            batch = self._placed(objective.batch(range(start, start + size)))
            losses.append(float(objective.loss(partial(self._with, weights), batch)["loss"]))
        return sum(losses) / len(losses)

    def _with(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
        """What the network makes of the inputs with other weights, in evaluation mode."""
        self.shown.eval()
        try:
            with self.fabric.autocast():
                placed = tuple(self.fabric.to_device(x) for x in inputs)
                out: Tensor = functional_call(self.shown, dict(weights), placed)
                return out
        finally:
            self.shown.train()

    @torch.no_grad()
    def _sheet(self, metrics: Metrics) -> None:
        objective = self.task.validation or self.task.objective

        def network(*inputs: Tensor) -> Tensor:
            return self._with(self.averages[0].state, *inputs).float().cpu()

        picture = objective.sheet(network)
        metrics.sheet(self.done, picture)
        folder = self.task.folder / SHEETS
        folder.mkdir(exist_ok=True)
        pixels = (picture.permute(1, 2, 0) * 255).round().byte().numpy()
        write(Photo(pixels), folder / f"{self.done:08d}.png")

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            checkpoints.save(
                self.task.folder,
                self.recipe,
                {
                    "step": self.done,
                    "network": self.bare.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "precision": self.fabric.strategy.precision.state_dict(),
                    "averages": [average.state for average in self.averages],
                    "best": None
                    if self.best is None
                    else (self.best.loss, self.best.step, dict(self.best.state)),
                },
            )
        self.fabric.barrier()
