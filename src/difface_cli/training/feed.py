"""Batches in the order of their steps, each process its share."""

from __future__ import annotations

from collections.abc import Iterable

from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset

from difface_cli.training.objective import Batch, Objective
from difface_cli.training.recipe import Recipe

Parts = tuple[Batch, ...]


class Shares(Dataset[Parts]):
    """Item s: this process's share of the batch of step s, in `accumulate` parts.

    Step s takes the examples s·batch to (s + 1)·batch - 1 whatever the number of processes.
    """

    def __init__(self, recipe: Recipe, objective: Objective, rank: int, world: int) -> None:
        self.recipe, self.objective, self.rank = recipe, objective, rank
        self.share = recipe.batch // world

    def __getitem__(self, step: int) -> Parts:
        first = step * self.recipe.batch + self.rank * self.share
        part = self.share // self.recipe.accumulate
        return tuple(
            self.objective.batch(range(start, start + part))
            for start in range(first, first + self.share, part)
        )


def feed(recipe: Recipe, objective: Objective, fabric: Fabric, done: int) -> Iterable[Parts]:
    """The shares of the steps from `done` to the recipe's end."""
    return DataLoader(
        Shares(recipe, objective, fabric.global_rank, fabric.world_size),
        batch_size=None,
        sampler=range(done, recipe.steps),
        num_workers=recipe.data.workers,
        persistent_workers=False,
        pin_memory=fabric.device.type == "cuda",
    )
