"""From a recipe to the network and the objective it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from difface_cli.base.errors import RegistryError, UsageError, WeightsInvalid
from difface_cli.faces.retinaface import trainable_retinaface
from difface_cli.networks import build
from difface_cli.networks.drunet import DRUNet
from difface_cli.networks.lama import LaMa
from difface_cli.networks.srcnn import SRCNN
from difface_cli.networks.unet import UNet
from difface_cli.training import augmentation, balance
from difface_cli.training.detector import Detection
from difface_cli.training.estimator import Filling, Restoration
from difface_cli.training.objective import Objective, Portraits
from difface_cli.training.pictures import Pictures
from difface_cli.training.prior import Denoising
from difface_cli.training.recipe import Recipe
from difface_cli.training.scenes.album import Album
from difface_cli.weights import formats, registry
from difface_cli.weights.registry import Weights
from difface_cli.weights.store import verified


def objective(recipe: Recipe, validation: bool = False) -> Objective:
    """What the recipe's task learns, on its pictures or on those kept for validation.

    Raises:
        UsageError: when no folder of pictures is named.
        ImageError: when it holds none.
    """
    apart = bool(recipe.data.validation)
    folders = recipe.data.validation if validation and apart else recipe.data.pictures
    if not folders:
        raise UsageError(
            "The recipe names no pictures to learn from.", "Name a folder of them with --data."
        )
    if recipe.task == "detector":
        return Detection(Album.of("test" if validation else "train", *folders), recipe)
    pictures = Pictures.of(recipe.size, *folders)
    if recipe.data.holdout and not apart:
        learned, kept = balance.split(pictures.paths, recipe.data.holdout)
        if not (learned and kept):
            raise UsageError(
                f"The holdout puts all {len(pictures)} pictures on one side.",
                "Name more pictures with --data, or another holdout.",
            )
        pictures = Pictures(kept if validation else learned, recipe.size)
    if recipe.data.memory:
        pictures.decode()
    portraits = Portraits(pictures, recipe.data, recipe.seed)
    if recipe.task == "prior":
        goal = replace(recipe.goal, augment=0.0) if validation else recipe.goal
        return Denoising(portraits, goal)
    if recipe.goal.masks:
        return Filling(portraits, recipe.goal)
    return Restoration(portraits, recipe.goal)


def network(recipe: Recipe, start: Path | None = None) -> nn.Module:
    """The network with the weights the recipe starts with, in training mode.

    Args:
        start: a file of weights to start with instead, from a training of one's own.

    Raises:
        UsageError: for a network that cannot be built with these parameters.
        RegistryError, WeightsMissing: for weights of models.toml that are not there.
        WeightsInvalid: when the weights to start with are no state dict of the network.
    """
    made = _built(recipe)
    if isinstance(made, UNet | SRCNN | LaMa | DRUNet) and recipe.size % made.stride:
        raise UsageError(
            f"Pictures of {recipe.size} pixels do not fit the recipe's network.",
            f"Write a size that {made.stride} divides.",
        )
    if recipe.goal.augment and recipe.params.get("augment_channels") != augmentation.CHANNELS:
        raise UsageError(
            "With augment in [goal], the network is to be told how its pictures were changed.",
            f"Write augment_channels = {augmentation.CHANNELS} into [params].",
        )
    if start is None and recipe.start:
        start = verified(_weights(recipe.start))
    if start is not None:
        _fill(made, start)
    elif isinstance(made, UNet):
        made.zero_init()
    return made.train()


def _built(recipe: Recipe) -> nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)  # random weights are the recipe's as well
            if recipe.task != "detector":
                return build(recipe.network, recipe.params)
            if recipe.network != "retinaface":
                raise ValueError(f"a detector is a retinaface, not {recipe.network!r}")
            return trainable_retinaface(**{"backbone": "resnet50", **recipe.params})
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"The recipe's network: {error}.", "Correct network or params.") from None


def _weights(name: str) -> Weights:
    known = registry.load().weights
    if name not in known:
        raise RegistryError(
            f"There are no weights {name!r} to start with.", f"Use one of: {', '.join(known)}."
        )
    return known[name]


def _fill(made: nn.Module, start: Path) -> None:
    state = {name: _full(value) for name, value in formats.read(start).items()}
    try:
        made.load_state_dict(state, strict=True)
    except RuntimeError as error:
        first = str(error).partition("\n")[2].partition("\n")[0].strip()
        raise WeightsInvalid(
            f"{start} does not fit the recipe's network: {first[:200]}",
            "Correct start, network or params.",
        ) from None


def _full(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
