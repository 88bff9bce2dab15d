"""What is pasted is where the scene says, and what hides it is counted."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.training.scenes import facefree, pasting
from difface_cli.training.scenes.pasting import Canvas
from difface_cli.training.scenes.poses import Pose
from tests.training.scenes.people import BOX, dots, dotted


@pytest.fixture(autouse=True)
def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces keep their colours and wear nothing."""
    monkeypatch.setattr(pasting, "DISGUISED", 0.0)
    monkeypatch.setattr(pasting, "toned", lambda pixels, rng, strength: pixels)


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("seed", range(3))
def test_the_face_is_where_it_is_said_to_be(scale: float, seed: int) -> None:
    canvas = Canvas(np.zeros((240, 240, 3), np.uint8))
    rng = np.random.default_rng(seed)
    portrait = dotted()
    pose = Pose(scale, tilt=30)
    canvas.paste(rng, portrait, pose, (120, 110), whole=False, other=portrait)
    np.testing.assert_allclose(dots(canvas.pixels), canvas.faces[0].landmarks, atol=0.8)
    np.testing.assert_allclose(canvas.faces[0].centre, (120, 110))


def test_what_is_laid_over_a_face_is_counted() -> None:
    canvas = Canvas(np.zeros((240, 240, 3), np.uint8))
    portrait = dotted()
    centre = tuple((BOX[:2] + BOX[2:]) / 2)
    canvas.paste(np.random.default_rng(0), portrait, Pose(1), centre, whole=True, other=portrait)
    patch = np.zeros((160, 30, 3), np.uint8)
    canvas.blend(patch, np.ones((160, 30), np.float32), 30, 0)  # half of the box from the left
    assert canvas.faces[0].hidden == pytest.approx(0.5)
    canvas.blend(patch, np.zeros((160, 30), np.float32), 60, 0)
    assert canvas.faces[0].hidden == pytest.approx(0.5)


def test_crops_beside_the_face_show_none_of_it() -> None:
    portrait = dotted()
    for part in facefree.sides(portrait):
        assert (part == 128).all()
    assert len(facefree.sides(portrait)) == 4


@pytest.mark.parametrize("seed", range(8))
def test_an_erased_face_is_gone(seed: int) -> None:
    portrait = dotted()
    left = facefree.erased(np.random.default_rng(seed), portrait)
    assert left.shape == portrait.pixels.shape
    eye = np.abs(left[50, 42].astype(int) - (255, 0, 0)).sum()
    mouth = np.abs(left[91, 74].astype(int) - (255, 0, 255)).sum()
    assert eye > 100 or mouth > 100
    np.testing.assert_array_equal(left[130:], portrait.pixels[130:])
