"""What a network learns: examples by number, a loss, and a picture of how it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli.degradations import luma
from difface_cli.training import balance
from difface_cli.training.pictures import Pictures
from difface_cli.training.recipe import Data

Batch = tuple[Any, ...]  # tensors, of which the first dimension counts examples; or plain numbers
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
        self.weights = balance.weights(balance.labels(pictures.paths), data.balance)
        self._epoch: tuple[int, npt.NDArray[np.int64]] | None = None

    def generator(self, number: int) -> np.random.Generator:
        """The source of everything random in example `number`."""
        return np.random.default_rng((self.seed, 1, number))

    def draw(self, number: int, rng: np.random.Generator) -> Tensor:
        """The picture of example `number`, as in `pixels`, but in [0, 1]."""
        return self.pixels(number, rng).float() / 255

    def pixels(self, number: int, rng: np.random.Generator) -> Tensor:
        """The picture of example `number`: 3×size×size, 0 to 255.

        Mirrored, in another light or grey in its share.
        """
        epoch, place = divmod(number, len(self.pictures))
        pixels = self.pictures[int(self._order(epoch)[place])]
        if rng.random() < self.data.mirror:
            pixels = pixels[:, ::-1]
        x = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
        if self.data.light and rng.random() < self.data.light:
            x = _bytes(lit(x.float() / 255, rng))
        return _bytes(luma(x.float() / 255).expand_as(x)) if rng.random() < self.data.gray else x

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        if self._epoch is None or self._epoch[0] != epoch:
            rng = np.random.default_rng((self.seed, 0, epoch))
            self._epoch = epoch, balance.order(self.weights, rng)
        return self._epoch[1]


def _bytes(x: Tensor) -> Tensor:
    return (x * 255).round().byte()


def lit(x: Tensor, rng: np.random.Generator) -> Tensor:
    """3×h×w in [0, 1] in another light: exposure, contrast and white balance."""
    exposure, contrast = np.exp(rng.normal(0, (0.3, 0.2)))
    white = torch.from_numpy(np.exp(rng.normal(0, 0.06, (3, 1, 1)))).to(x)
    return relit(x, float(exposure), float(contrast), white)


def relit(
    x: Tensor, exposure: Tensor | float, contrast: Tensor | float, white: Tensor | float
) -> Tensor:
    """…×3×h×w in [0, 1] in the light that three factors make, 1 for none, which broadcast to x."""
    mean = x.mean(dim=(-3, -2, -1), keepdim=True)
    exposed = ((x - mean) * contrast + mean).clamp(min=0) ** (1 / exposure)
    y: Tensor = (exposed * white).clamp(0, 1)
    return y


def grid(rows: Sequence[Tensor]) -> Tensor:
    """Rows of b×3×h×w pictures under each other: 3×H×W."""
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).clamp(0, 1)
