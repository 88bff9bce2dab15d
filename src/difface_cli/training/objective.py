"""What a network learns: examples by number, a loss, and a picture of how it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from difface_cli.degradations import luma
from difface_cli.training.pictures import Pictures
from difface_cli.training.recipe import Data

Batch = tuple[Tensor, ...]
Network = Callable[..., Tensor]


class Objective(Protocol):
    """One thing to learn.

    It holds data and settings and no network, so that worker processes can carry it.
    """

    def batch(self, numbers: Sequence[int]) -> Batch:
        """The examples of these numbers, stacked.

        Number i gives the same example in every process and every run: there is no other state.
        """

    def loss(self, network: Network, batch: Batch) -> Mapping[str, Tensor]:
        """Scalars to log, by name; "loss" is what is minimised."""

    def sheet(self, network: Network) -> Tensor:
        """What the network does to fixed examples: 3×h×w in [0, 1]."""


class Portraits:
    """Training pictures in an endless order: each epoch a new permutation of all of them."""

    def __init__(self, pictures: Pictures, data: Data, seed: int) -> None:
        self.pictures, self.data, self.seed = pictures, data, seed

    def generator(self, number: int) -> np.random.Generator:
        """The source of everything random in example `number`."""
        return np.random.default_rng((self.seed, 1, number))

    def draw(self, number: int, rng: np.random.Generator) -> Tensor:
        """The picture of example `number`, mirrored or grey in its share: 3×size×size, [0, 1]."""
        epoch, place = divmod(number, len(self.pictures))
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.pictures))
        pixels = self.pictures[int(order[place])]
        if rng.random() < self.data.mirror:
            pixels = pixels[:, ::-1]
        x = torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255
        return luma(x).expand_as(x) if rng.random() < self.data.gray else x


def grid(rows: Sequence[Tensor]) -> Tensor:
    """Rows of b×3×h×w pictures under each other: 3×H×W."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).clamp(0, 1)
