"""What is done to a picture follows from seed, name and content, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from difface_cli.degradations import OldPhoto, Ranges, masks
from difface_cli.degradations import sets as degrading
from difface_cli.degradations.sets import Plan, treatment
from difface_cli.images import Photo
from tests.images.pictures import noise, smooth

HASH = "ab" * 32


def test_seed_name_and_content_each_change_what_is_done() -> None:
    plan = Plan(mask="box", age=OldPhoto(scratches=1))
    first = treatment(plan, "a/b.jpg", HASH)
    assert treatment(plan, "a/b.jpg", HASH) == first
    for other in (
        treatment(replace(plan, seed=1), "a/b.jpg", HASH),
        treatment(plan, "b.jpg", HASH),
        treatment(plan, "a/b.jpg", HASH[::-1]),
    ):
        assert other.degradation != first.degradation
        assert other.mask_seed != first.mask_seed
        assert other.age.seed != first.age.seed


def test_a_picture_has_the_same_hole_and_age_whatever_the_recipe() -> None:
    plan = Plan(mask="irregular", age=OldPhoto(scratches=3))
    sharp = treatment(replace(plan, recipe="none"), "a.jpg", HASH)
    degraded = treatment(plan, "a.jpg", HASH)
    assert sharp.degradation is None
    assert degraded.degradation is not None
    assert (sharp.mask_seed, sharp.age) == (degraded.mask_seed, degraded.age)


def test_seeds_fit_into_a_json_number() -> None:
    seeds = [treatment(Plan(), f"{i}.png", HASH).mask_seed for i in range(200)]
    assert 2**50 < max(seeds) < 2**53
    assert len(set(seeds)) == 200


def test_a_custom_recipe_is_drawn_from() -> None:
    done = treatment(Plan("custom", Ranges(scale=(7, 7))), "a.jpg", HASH)
    assert done.recipe == "custom"
    assert done.degradation is not None
    assert done.degradation.scale == 7


def test_nothing_asked_for_leaves_every_pixel() -> None:
    photo = Photo(smooth(40, 60))
    pictures = degrading.apply(photo, treatment(Plan("none"), "a.png", HASH))
    assert list(pictures) == ["picture"]
    assert np.array_equal(pictures["picture"].pixels, photo.pixels)


@pytest.mark.parametrize("kind", masks.KINDS)
def test_a_hole_is_white_in_the_mask_zero_in_the_picture_and_nowhere_else(kind: str) -> None:
    photo = Photo(np.maximum(noise(50, 70, 3), 1))
    done = treatment(Plan("none", mask=kind), "a.png", HASH)
    picture, mask, holed = (
        degrading.apply(photo, done)[name].pixels for name in ("picture", "mask", "holed")
    )
    assert mask.shape == (50, 70, 1)
    assert set(np.unique(mask)) <= {0, 255}
    hole = mask[..., 0] == 255
    assert np.array_equal(hole, (holed == 0).all(2))
    assert np.array_equal(holed[~hole], picture[~hole])
    assert np.array_equal(picture, photo.pixels)


@pytest.mark.parametrize("shape", [(64, 48, 3), (48, 64, 1)])
def test_size_is_that_of_the_longer_side(shape: tuple[int, int, int]) -> None:
    done = treatment(Plan(mask="half", size=32), "a.png", HASH)
    for photo in degrading.apply(Photo(noise(*shape)), done).values():
        assert (photo.height, photo.width) == ((32, 24) if shape[0] == 64 else (24, 32))


def test_sixteen_bits_and_grey_files_are_taken() -> None:
    photo = Photo(noise(20, 30, 1, depth=16))
    picture = degrading.apply(photo, treatment(Plan("none"), "a.tif", HASH))["picture"]
    assert picture.pixels.shape == (20, 30, 3)
    assert picture.depth == 8


def test_eq_17_works_on_the_resized_picture_and_age_comes_last() -> None:
    """A faded picture has no black, however dark its noise."""
    plan = Plan("train", age=OldPhoto(fading=1), size=32)
    pixels = degrading.apply(Photo(np.zeros((64, 64, 3), np.uint8)), treatment(plan, "a", HASH))
    assert pixels["picture"].pixels.min() > 30
