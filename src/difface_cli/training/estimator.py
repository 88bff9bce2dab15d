"""The estimator learns with L1 alone (sections VI-A and VII-A)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from difface_cli import degradations
from difface_cli.degradations import Degradation, Wild, masks
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.training.objective import Batch, Network, Portraits, grid
from difface_cli.training.recipe import Goal

SHEET = 8
EYE, MOUTH = 26, 36  # spread of what counts more around them, pixels at 512


class Restoration:
    """From a picture degraded by eq. 17 back to the picture."""

    def __init__(self, portraits: Portraits, goal: Goal) -> None:
        self.portraits, self.goal = portraits, goal

    def batch(self, numbers: Sequence[int]) -> Batch:
        """(degraded, sharp), each b×3×h×w in [0, 1]."""
        sharp, settings = [], []
        for number in numbers:
            rng = self.portraits.generator(number)
            picture = self.portraits.draw(number, rng)
            drawn = self._degradation(rng)
            # Colour that was lost is not to be guessed (published code).
            sharp.append(drawn.toned(picture))
            settings.append(drawn)
        x = torch.stack(sharp)
        if self.goal.degradation == "none":
            return x, x
        return degradations.batch(x, settings), x

    def _degradation(self, rng: np.random.Generator) -> Degradation | Wild:
        if self.goal.degradation == "wild":
            return degradations.wild(rng, self.goal.resample)
        return degradations.training(rng, self.goal.resample)

    def loss(self, network: Network, batch: Batch) -> Mapping[str, Tensor]:
        """L1 between estimate and truth, in which eyes and mouth may count more (`Goal.focus`)."""
        y, x = batch
        error = (network(y).float() - x).abs()
        if not self.goal.focus:
            return {"loss": error.mean()}
        weights = focus(x.shape[-1], self.goal.focus, error.device)
        return {"loss": (weights * error).mean(), "l1": error.detach().mean()}

    def sheet(self, network: Network) -> Tensor:
        """Degraded, estimated, sharp."""
        y, x = self.batch(range(SHEET))
        return grid([y, network(y).float(), x])


@cache
def focus(size: int, strength: float, device: torch.device | str = "cpu") -> Tensor:
    """How much each pixel of an aligned face counts, size×size, 1 on average.

    Args:
        strength: how much more than elsewhere the middle of an eye or of the mouth counts.
    """
    eye, other, _, left, right = torch.from_numpy(FFHQ_TEMPLATE_512.copy()).float() * size / 512
    rows, columns = torch.meshgrid(*2 * [torch.arange(size) + 0.5], indexing="ij")
    places = [(eye, EYE), (other, EYE), ((left + right) / 2, MOUTH)]
    near = torch.zeros(size, size)
    for (x, y), spread in places:
        distance = ((columns - x) ** 2 + (rows - y) ** 2) / (spread * size / 512) ** 2
        near = torch.maximum(near, torch.exp(-0.5 * distance))
    weights = 1 + strength * near
    return (weights / weights.mean()).to(device)


class Filling:
    """From a picture with holes back to the picture: the estimator of section VII."""

    def __init__(self, portraits: Portraits, goal: Goal) -> None:
        self.portraits, self.shares = portraits, goal.masks

    def batch(self, numbers: Sequence[int]) -> Batch:
        """(masked picture and mask, b×4×h×w; the picture, b×3×h×w), in [0, 1]."""
        pictures, holes = [], []
        size = (self.portraits.pictures.size,) * 2
        for number in numbers:
            rng = self.portraits.generator(number)
            pictures.append(self.portraits.draw(number, rng))
            holes.append(masks.mixture(rng, size, self.shares))
        x = torch.stack(pictures)
        mask = torch.from_numpy(np.stack(holes))[:, None].to(x)
        return torch.cat([x * (1 - mask), mask], dim=1), x

    def loss(self, network: Network, batch: Batch) -> Mapping[str, Tensor]:
        """L1 over the whole picture; that in the hole is logged beside it."""
        y, x = batch
        error = (network(y).float() - x).abs()
        mask = y[:, 3:]
        hole = (error.detach() * mask).sum() / (3 * mask.sum()).clamp(min=1)
        return {"loss": error.mean(), "hole": hole}

    def sheet(self, network: Network) -> Tensor:
        """With holes, filled by the estimator, the truth."""
        y, x = self.batch(range(SHEET))
        return grid([y[:, :3], network(y).float(), x])
