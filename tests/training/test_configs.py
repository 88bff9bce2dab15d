"""The recipes that are shipped, at the full size of their networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from difface_cli.networks import build
from difface_cli.training import making
from difface_cli.training import recipe as recipes
from difface_cli.training.prior import Denoising
from difface_cli.training.recipe import Recipe
from difface_cli.weights import registry

CONFIGS = Path(__file__).parents[2] / "configs"
PAPER = {
    "swinir-512": "swinir_restoration512_L1",
    "lama-256": "lama_inpainting256",
    "prior-512": "iddpm_ffhq512_ema500000",
    "prior-256": "iddpm_ffhq256_ema750000",
}
STARTER = {
    "prior": "starter-prior",
    "drunet": "starter-drunet",
    "estimator": "starter-estimator",
    "srcnn": "starter-srcnn",
    "lama": "starter-lama",
    "lama-128": "starter-lama",
    "lama-all": "starter-lama",
}


def read(path: Path) -> Recipe:
    named = next(line for line in path.read_text().splitlines() if line.startswith("task"))
    return recipes.read(path, named.split('"')[1])


def shapes(network: torch.nn.Module) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in network.state_dict().items()}


def on_meta(recipe: Recipe) -> torch.nn.Module:
    with torch.device("meta"):
        return build(recipe.network, recipe.params)


@pytest.mark.parametrize("name", sorted(p.name for p in CONFIGS.rglob("*.toml")))
def test_every_recipe_can_be_read_and_its_network_built(name: str) -> None:
    (path,) = CONFIGS.rglob(name)
    recipe = read(path)
    assert recipe.task == "detector" or shapes(on_meta(recipe))


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_recipes_train_what_was_published(name: str, golden: Path) -> None:
    official = json.loads((golden / "official_checkpoints.json").read_text())[f"{PAPER[name]}.pth"]
    trained = shapes(on_meta(read(CONFIGS / f"{name}.toml")))
    # The published SwinIR also stores what is computed here.
    assert trained.items() <= official["tensors"].items()
    computed = set(official["tensors"]) - set(trained)
    assert all(
        name.endswith(("attn_mask", "relative_position_index", "num_batches_tracked"))
        for name in computed
    )


@pytest.mark.parametrize("name", STARTER)
def test_the_starters_recipes_train_what_is_embedded(name: str) -> None:
    recipe = read(CONFIGS / "starter" / f"{name}.toml")
    embedded = registry.load().weights[STARTER[name]]
    with torch.device("meta"):
        expected = build(embedded.network, embedded.params)
    assert shapes(on_meta(recipe)) == shapes(expected)


@pytest.mark.parametrize("name", [*PAPER, "srcnn-512"])
def test_a_step_of_the_papers_recipes_reaches_every_parameter(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the full size, on a device without memory: shapes, losses and gradients all fit."""
    recipe = read(CONFIGS / f"{name}.toml")
    recipe = replace(recipe, data=replace(recipe.data, pictures=(folder,)))
    network = on_meta(recipe).train()
    objective = making.objective(recipe)
    drawn = objective.batch([0])
    if isinstance(objective, Denoising):  # no generator is for that device
        made = tuple(x.to("meta") for x in objective.examples(drawn))
        monkeypatch.setattr(objective, "examples", lambda batch: made)
    batch = tuple(x.to("meta") if isinstance(x, Tensor) else x for x in drawn)

    def forward(*inputs: Tensor) -> Tensor:
        out: Tensor = network(*(x.to("meta") for x in inputs))
        return out

    loss = objective.loss(forward, batch)["loss"]
    loss.backward()
    assert batch[0].shape[-1] == recipe.size
    assert all(p.grad is not None for p in network.parameters())
