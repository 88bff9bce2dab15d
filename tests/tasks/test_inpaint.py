"""From damaged photo to filled photo with networks that know the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from difface_cli.images import Photo
from difface_cli.method.denoiser import Denoised, eps_from_x0
from difface_cli.method.difface import Refinement
from difface_cli.models import Ready
from difface_cli.tasks import Engine, Inpaint, Result, Scene
from difface_cli.tasks.holes import Holes
from difface_cli.tasks.inpaint import WHOLE
from difface_cli.tasks.options import Options
from tests.tasks.test_restore import QUICK, SCHEDULE, SIZE, TWO, changed, face_at, photo, ready

TASK = Inpaint()


def model(faces: list[Any], drawn: float | None = 0.5) -> Ready:
    """A prior that draws flat grey; the estimator gives back what it is shown."""
    return replace(ready(faces, drawn), estimator=lambda x: x[:, :3])


def holes(height: int, width: int, *boxes: tuple[int, int, int, int]) -> Holes:
    weight = np.zeros((height, width), np.float32)
    for x0, y0, x1, y1 in boxes:
        weight[y0:y1, x0:x1] = 1
    return Holes(weight, "test")


def scene(before: Photo, found: Holes) -> Scene:
    return TASK.with_holes(before, found, "the file's hash")


def inpaint(
    before: Photo,
    found: Holes,
    model: Ready,
    task: Inpaint = TASK,
    options: Options = QUICK,
) -> Result:
    """The photo through the engine."""
    return Engine(model, task, options).run(task.with_holes(before, found, "the file's hash"))


def rest(result: Result, options: Options = QUICK) -> float:
    return float(TASK.notes(result, options)["mask"]["outside_faces"])


IN_FIRST = (40, 40, 56, 52)
OUTSIDE = (2, 100, 12, 112)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_only_holes_change_and_the_rest_is_bit_exact(dtype: Any, channels: int) -> None:
    before = photo(dtype=dtype, channels=channels)
    found = holes(120, 160, IN_FIRST, OUTSIDE)
    result = inpaint(before, found, model(TWO))
    (after,) = result.photos
    assert after.pixels.dtype == dtype
    assert after.pixels.shape == before.pixels.shape
    assert np.array_equal(after.pixels[~found.mask], before.pixels[~found.mask])
    grey = after.pixels[42:50, 42:54] / np.iinfo(dtype).max
    assert np.abs(grey - 0.5).max() < 0.02
    assert rest(result) == pytest.approx(120 / (120 * 160), abs=1e-6)
    assert [face.skipped for face in result.faces] == ["", WHOLE]
    assert [len(face.seeds) for face in result.faces] == [1, 0]


def test_the_face_sees_no_pixel_of_the_holes() -> None:
    before = photo()
    found = holes(120, 160, IN_FIRST)
    other = before.pixels.copy()
    other[found.mask] = 255 - other[found.mask]
    one = inpaint(before, found, model(TWO, None))
    two = inpaint(Photo(other), found, model(TWO, None))
    assert np.array_equal(one.photos[0].pixels, two.photos[0].pixels)
    assert one.faces[0].seeds == two.faces[0].seeds
    assert not one.crops[0].original[30, 30].any()


def test_holes_outside_faces_are_smoothed_over_or_left() -> None:
    before = photo()
    found = holes(120, 160, OUTSIDE)
    smooth = inpaint(before, found, model(TWO))
    assert changed(before, smooth.photos[0])[105, 6]
    assert smooth.crops == ()
    left = inpaint(before, found, model(TWO), Inpaint(fill_rest=False))
    assert not changed(before, left.photos[0]).any()
    assert rest(left) == rest(smooth) > 0


def test_without_a_hole_the_photo_itself_comes_back() -> None:
    before = photo()
    result = inpaint(before, holes(120, 160), model(TWO))
    assert result.photos[0] is before


def test_a_face_by_hand_is_filled_where_none_is_found() -> None:
    before, found = photo(), holes(120, 160, IN_FIRST)
    blind = replace(model([]), detector=None)
    result = inpaint(before, found, blind, options=replace(QUICK, by_hand=(face_at(10, 10, 80),)))
    assert len(result.crops) == 1
    assert np.abs(result.photos[0].pixels[42:50, 42:54] / 255 - 0.5).max() < 0.02


def test_faces_not_chosen_are_not_drawn() -> None:
    options = replace(QUICK, faces="1")
    found = holes(120, 160, IN_FIRST)
    result = inpaint(photo(), found, model(TWO), options=options)
    assert [face.skipped for face in result.faces] == ["not chosen", WHOLE]
    assert result.crops == ()


def test_each_face_is_filled_by_its_own_chain_where_squares_overlap() -> None:
    """Every crop is filled with its own mean: the darker face darker, whichever came last."""

    def flat(x: Tensor, t: int) -> Denoised:
        a = SCHEDULE.alpha_bar[t]
        x0 = (x.mean((1, 2, 3), keepdim=True) / a**0.5).expand_as(x)
        return Denoised(x0, eps_from_x0(x, x0, a))

    pair = [face_at(10, 10, 80), face_at(50, 10, 80)]
    pixels = np.full((120, 160, 3), 60, np.uint8)
    pixels[:, 70:] = 190
    found = holes(120, 160, (45, 45, 55, 55), (85, 45, 95, 55))
    result = inpaint(Photo(pixels), found, replace(model(pair), denoise=flat))
    left, right = (result.photos[0].pixels[50, x, 0] for x in (50, 90))
    assert left == pytest.approx((3 * 60 + 190) / 4, abs=12)
    assert right == pytest.approx((60 + 3 * 190) / 4, abs=12)


@pytest.mark.parametrize("size", [(64, 64), (150, 150), (40, 40), (90, 130), (131, 64)])
def test_aligned_pictures_of_any_size_keep_size_and_known_pixels(size: tuple[int, int]) -> None:
    before = photo(*size)
    found = holes(*size, (10, 10, 30, 30))
    aligned = replace(QUICK, aligned=True)
    result = inpaint(before, found, model([]), options=aligned)
    (after,) = result.photos
    assert after.pixels.shape == before.pixels.shape
    assert np.array_equal(after.pixels[~found.mask], before.pixels[~found.mask])
    assert np.abs(after.pixels[14:26, 14:26] / 255 - 0.5).max() < 0.03
    assert rest(result, aligned) == 0


def test_a_faded_seam_lies_between_old_and_new() -> None:
    before = Photo(np.full((SIZE, SIZE, 3), 200, np.uint8))
    found = holes(SIZE, SIZE, (20, 20, 40, 40))
    found.weight[20:40, 40:43] = (0.75, 0.5, 0.25)
    after = inpaint(before, found, model([], 0.1), options=replace(QUICK, aligned=True)).photos[0]
    row = after.pixels[30, 38:45, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[0] < 30
    assert row[-1] == 200


def test_without_keeping_the_face_is_drawn_whole() -> None:
    before = photo()
    found = holes(120, 160, IN_FIRST)
    loose = Inpaint(keep_known=False, refinement=Refinement(0.0))
    after = inpaint(before, found, model(TWO), loose).photos[0]
    assert np.abs(after.pixels[60, 40:60] / 255 - 0.5).max() < 0.02  # in the oval, not in the hole
    assert not changed(before, after)[:, 100:].any()
    aligned = replace(QUICK, aligned=True)
    square = photo(SIZE, SIZE)
    drawn = inpaint(square, holes(SIZE, SIZE, (5, 5, 9, 9)), model([]), loose, aligned).photos[0]
    assert np.abs(drawn.pixels / 255 - 0.5).max() < 0.02


def test_samples_differ_in_the_hole_and_are_what_each_seed_gives_alone() -> None:
    before, found = photo(), holes(120, 160, IN_FIRST)
    result = inpaint(before, found, model(TWO, None), options=replace(QUICK, samples=3))
    alone = inpaint(before, found, model(TWO, None))
    assert np.array_equal(result.photos[0].pixels, alone.photos[0].pixels)
    assert changed(result.photos[0], result.photos[1]).any()
    assert len(result.crops[0].restored) == 3


def test_a_grey_photo_stays_grey() -> None:
    grey = np.repeat(photo(channels=1).pixels, 3, axis=2)
    found = holes(120, 160, IN_FIRST)
    grey[found.mask] = (255, 0, 255)  # paint is no colour of the photo
    result = inpaint(Photo(grey), found, model(TWO, None))
    assert result.gray
    assert np.ptp(result.photos[0].pixels, axis=2).max() == 0


def test_a_look_finds_what_would_be_filled() -> None:
    before, found = photo(), holes(120, 160, IN_FIRST)
    prepared = Engine(model(TWO), TASK, QUICK).prepare(scene(before, found))
    assert [face.skipped for face in prepared.found] == ["", WHOLE]
    bridged = prepared.scene.view
    assert np.array_equal(bridged.pixels[~found.mask], before.pixels[~found.mask])
