"""What is done to one picture of a set, drawn from seed, name and content, and doing it.

Neither order nor company of the pictures matters: each has seeds of its own, one for every
purpose, so that its hole is the same whatever the recipe.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor

from difface_cli.base.tensors import to_batch
from difface_cli.base.validation import one_of
from difface_cli.degradations import RECIPES, Degradation, OldPhoto, Recipe, masks, resize
from difface_cli.images import Photo, rgb8

NO_RECIPE = "none"
MIN_SIZE, MAX_SIZE = 16, 8192
SEED_BITS = 53  # what a JSON number holds everywhere


@dataclass(frozen=True)
class Plan:
    """What the user wants done to all pictures of a set.

    Attributes:
        recipe: a name of `degradations.RECIPES`, "none", or any other name given with `draw`.
        draw: where eq. 17's parameters come from, when it is not the recipe of that name.
        age: what is done to each besides; its seed is not used.
        mask: a name of `masks.KINDS`, or None for no holes.
        size: pixels of the longer side, 16 to 8192; None keeps each picture's own.
        seed: another seed is another set.
    """

    recipe: str = "celeba-test"
    draw: Recipe | None = None
    age: OldPhoto = field(default_factory=OldPhoto)
    mask: str | None = None
    size: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Treatment:
    """What is done to one picture; equal treatments of equal pictures give equal bits.

    Attributes:
        recipe, mask, size, seed: those of the plan.
        degradation: the draw of eq. 17; None leaves the picture sharp.
        age: with the picture's own seed.
        mask_seed: of the hole.
    """

    recipe: str
    degradation: Degradation | None
    age: OldPhoto
    mask: Annotated[str, one_of(*masks.KINDS)] | None
    mask_seed: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)] | None
    seed: int


def treatment(plan: Plan, file: str, sha256: str) -> Treatment:
    """What the plan means for the picture `file` whose bytes hash to `sha256`."""

    def seed(purpose: str) -> int:
        key = f"{plan.seed}\n{purpose}\n{sha256}\n".encode() + os.fsencode(file)
        digest = hashlib.sha256(key).digest()
        return int.from_bytes(digest[:8]) >> (64 - SEED_BITS)

    draw = plan.draw or RECIPES.get(plan.recipe)
    return Treatment(
        recipe=plan.recipe,
        degradation=draw(np.random.default_rng(seed("degradation"))) if draw else None,
        age=replace(plan.age, seed=seed("age")),
        mask=plan.mask,
        mask_seed=seed("mask"),
        size=plan.size,
        seed=plan.seed,
    )


def apply(photo: Photo, treatment: Treatment) -> Mapping[str, Photo]:
    """The pictures that come of a photo, all of one size, 8 bits.

    Returns:
        "picture", the degraded photo in colour; with a mask also "mask", white in the hole, and
        "holed", the picture with zeros in the hole.
    """
    x = to_batch([rgb8(photo)])[0] / 255
    if treatment.size is not None:
        x = _resized(x, treatment.size)
    if treatment.degradation is not None:
        x = treatment.degradation(x)
    x = treatment.age(x)
    pixels = (x * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    pictures = {"picture": Photo(pixels, icc=photo.icc)}
    if treatment.mask is None:
        return pictures
    height, width = pixels.shape[:2]
    hole = masks.KINDS[treatment.mask](np.random.default_rng(treatment.mask_seed), (height, width))[
        ..., None
    ]
    pictures["mask"] = Photo(hole.astype(np.uint8) * 255)
    pictures["holed"] = Photo(np.where(hole, np.uint8(0), pixels), icc=photo.icc)
    return pictures


def _resized(x: Tensor, longer: int) -> Tensor:
    """3×h×w with `longer` pixels on its longer side."""
    height, width = x.shape[1:]
    factor = longer / max(height, width)
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return resize(x, size, "bicubic").clamp(0, 1)
