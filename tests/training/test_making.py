"""What a recipe says of its pictures and its network is what is made, or a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from difface_cli.base.errors import UsageError
from difface_cli.training import making
from difface_cli.training.augmentation import CHANNELS
from difface_cli.training.estimator import Restoration
from difface_cli.training.prior import Denoising
from difface_cli.training.recipe import Recipe

UNET = {
    "image_size": 16, "in_channels": 3, "out_channels": 3, "model_channels": 32,
    "channel_mult": [1], "num_res_blocks": 1, "attention_resolutions": [], "num_head_channels": 32,
}  # fmt: skip


def prior(recipe: Recipe, **params: int) -> Recipe:
    goal = replace(recipe.goal, augment=0.5)
    return replace(recipe, task="prior", network="unet", params=UNET | params, goal=goal)


def test_people_held_out_measure_and_are_not_learned_from(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(40):
        Image.new("RGB", (16, 16), (i, 0, 0)).save(folder / f"{i}.png")
    data = replace(recipe.data, pictures=(folder,), holdout=0.3, memory=True)
    made = [making.objective(replace(recipe, data=data), validation=v) for v in (False, True)]
    learned, kept = (
        {p for p in m.portraits.pictures.paths} for m in made if isinstance(m, Restoration)
    )
    assert not learned & kept
    assert len(learned | kept) == 40


def test_a_holdout_that_leaves_one_side_empty_is_a_sentence(recipe: Recipe) -> None:
    data = replace(recipe.data, holdout=1e-6)
    with pytest.raises(UsageError, match="all 6 pictures"):
        making.objective(replace(recipe, data=data))


def test_changed_pictures_need_a_network_that_is_told(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="how its pictures were changed") as caught:
        making.network(prior(recipe))
    assert f"augment_channels = {CHANNELS}" in caught.value.hint


def test_a_told_network_learns_from_what_it_is_told_and_is_measured_without(
    recipe: Recipe,
) -> None:
    told = prior(recipe, augment_channels=CHANNELS)
    network, objective = making.network(told), making.objective(told)
    for parameter in network.parameters():  # it begins as zeros, through which nothing flows back
        torch.nn.init.normal_(parameter, std=0.1)
    objective.loss(network, objective.batch(range(4)))["loss"].backward()
    assert network.augment_embed.weight.grad.abs().max() > 0  # type: ignore[union-attr]
    apart = replace(told, data=replace(told.data, validation=told.data.pictures))
    measured = making.objective(apart, validation=True)
    assert isinstance(measured, Denoising)
    assert not measured.batch(range(8))[3].any()
