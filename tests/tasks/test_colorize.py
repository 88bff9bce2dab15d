"""From grey to colour with priors that know the truth; no weights are needed here."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from difface_cli import images
from difface_cli.base.errors import ImageError, UsageError
from difface_cli.images import Photo
from difface_cli.method.denoiser import Denoised, eps_from_x0
from difface_cli.method.difface import Refinement, Settings
from difface_cli.models import Ready
from difface_cli.tasks import Colorize, Engine, Result
from difface_cli.tasks.options import Options
from difface_cli.weights.registry import Model
from tests.tasks.test_restore import SCHEDULE, SIZE, TWO, face_at

QUICK = Options(settings=Settings(n=400, steps=4), aligned=True, gray="off")
HELD = Colorize().refinement


def portrait() -> np.ndarray[Any, Any]:
    """A face in colour, SIZE×SIZE×3."""
    picture = Image.fromarray(skimage.data.astronaut()).crop((130, 0, 330, 200))
    return np.asarray(picture.resize((SIZE, SIZE)))


def gray(pixels: np.ndarray[Any, Any]) -> Photo:
    return Photo(np.asarray(Image.fromarray(pixels).convert("L"))[..., None])


def ready(truth: np.ndarray[Any, Any] | None = None, faces: Any = ()) -> Ready:
    """A model whose prior knows the picture, or takes what it sees for it."""
    model = Model("tiny", "colorize", MappingProxyType({}), image_size=SIZE, n=400, steps=4)
    known = None if truth is None else torch.from_numpy(truth / np.float32(127.5) - 1)

    def denoise(x: Tensor, t: int) -> Denoised:
        a = SCHEDULE.alpha_bar[t]
        seen = (x / a**0.5).clamp(-1, 1)
        x0 = seen if known is None else known.permute(2, 0, 1).float().expand_as(x)
        return Denoised(x0, eps_from_x0(x, x0, a))

    return Ready(
        model, lambda y: y, denoise, denoise, SCHEDULE,
        lambda rgb: list(faces), None, None,  # type: ignore[arg-type]
        torch.device("cpu"), torch.float32, MappingProxyType({}),
    )  # fmt: skip


def colorize(
    photo: Photo, ready: Ready, options: Options = QUICK, refinement: Refinement = HELD
) -> Result:
    """The photo through the engine."""
    task = Colorize(refinement)
    scene = task.scene(photo, "photo.png", "the file's hash")
    return Engine(ready, task, options).run(scene)


def luma_levels(photo: Photo) -> np.ndarray[Any, Any]:
    return np.asarray(Image.fromarray(photo.pixels).convert("L"))


@pytest.mark.parametrize("refinement", [Refinement(20.0), Refinement(1.0, "gradient")])
def test_a_prior_that_knows_the_picture_gives_its_colours_back(refinement: Refinement) -> None:
    truth = portrait()
    result = colorize(gray(truth), ready(truth), QUICK, refinement)
    difference = result.photos[0].pixels.astype(int) - truth
    assert np.abs(difference).max() <= 2  # rounded: grey, chroma, result


@pytest.mark.parametrize("aligned", [True, False])
def test_the_luma_is_kept_whatever_the_prior_draws(aligned: bool) -> None:
    wild = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    photo = gray(portrait() if aligned else np.tile(portrait(), (2, 3, 1)))
    options = replace(QUICK, aligned=aligned)
    after = colorize(photo, ready(wild, TWO), options).photos[0]
    assert np.array_equal(luma_levels(after), photo.pixels[..., 0])
    assert np.ptp(after.pixels, axis=2).max() > 60


def test_a_chain_without_refinement_loses_the_luma_before_it_is_put_back() -> None:
    """So the refinement is what holds the chain, not the last step alone."""
    photo, other = gray(portrait()), np.full((SIZE, SIZE, 3), 90, np.uint8)
    held, free = (
        colorize(photo, ready(other), QUICK, Refinement(gamma)).photos[0] for gamma in (20.0, 0.0)
    )
    assert np.ptp(free.pixels, axis=2).max() == 0  # a grey answer, and the luma put back
    assert np.ptp(held.pixels, axis=2).max() > 0  # the least change to it is no grey one


def test_away_from_the_face_the_photo_is_grey_and_itself() -> None:
    photo = gray(np.tile(portrait(), (2, 3, 1)))
    red = np.full((SIZE, SIZE, 3), (200, 60, 60), np.uint8)
    result = colorize(photo, ready(red, [face_at(10, 10, 60)]), replace(QUICK, aligned=False))
    after = result.photos[0].pixels
    assert np.array_equal(after[80:], np.repeat(photo.pixels[80:], 3, axis=2))
    assert np.array_equal(after[:, 80:], np.repeat(photo.pixels[:, 80:], 3, axis=2))
    assert after[42, 40, 0] > after[42, 40, 1] + 20
    (found,) = result.faces
    assert len(found.seeds) == 1


def test_strength_scales_the_chroma() -> None:
    truth = portrait()
    full, half, none = (
        colorize(
            gray(truth), ready(truth), replace(QUICK, strength=strength)
        ).photos[0].pixels.astype(float)
        for strength in (1.0, 0.5, 0.0)
    )  # fmt: skip
    assert np.ptp(none, axis=2).max() == 0
    np.testing.assert_allclose(half, (full + none) / 2, atol=2)


def test_depth_alpha_and_toned_prints() -> None:
    truth = portrait()
    deep = gray(truth).pixels.astype(np.uint16) * 257 + 3
    alpha = np.full((SIZE, SIZE), 40000, np.uint16)
    after = colorize(Photo(deep.clip(0, 65535), alpha), ready(truth)).photos[0]
    assert after.pixels.dtype == np.uint16
    assert after.alpha is alpha
    toned = (gray(truth).pixels / 255 * (235, 215, 170)).round().astype(np.uint8)
    after = colorize(Photo(toned), ready(truth)).photos[0]
    assert np.array_equal(luma_levels(after), luma_levels(Photo(toned)))


def test_samples_start_from_tints_of_their_own() -> None:
    photo = gray(portrait())
    two = colorize(photo, ready(), replace(QUICK, samples=2))
    one = colorize(photo, ready())
    assert np.array_equal(two.photos[0].pixels, one.photos[0].pixels)
    assert not np.array_equal(two.photos[0].pixels, two.photos[1].pixels)


def test_a_photo_without_faces_comes_back_itself() -> None:
    photo = gray(portrait())
    assert colorize(photo, ready(), replace(QUICK, aligned=False)).photos[0] is photo


def test_a_photo_in_colour_is_refused_unless_told() -> None:
    photo = Photo(skimage.data.astronaut())
    with pytest.raises(ImageError, match=r"eileen\.jpg is in colour"):
        Colorize().scene(photo, "eileen.jpg", "")
    Colorize(desaturate=True).scene(photo, "eileen.jpg", "")
    Colorize().scene(images.desaturated(photo), "eileen.jpg", "")


@pytest.mark.parametrize(
    ("refinement", "says"),
    [
        (Refinement(-1.0), "gamma"),
        (Refinement(float("nan")), "gamma"),
        (Refinement(float("inf")), "gamma"),
        (Refinement(20.0, "gradient"), "overshoots"),
    ],
)
def test_a_gamma_that_cannot_hold_the_chain_is_refused(refinement: Refinement, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Colorize(refinement)
