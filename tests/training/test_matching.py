"""Anchors answer for the faces that they lie on."""

from __future__ import annotations

import torch

from difface_cli.faces.anchors import MIN_SIZES, STEPS, anchors
from difface_cli.training.matching import NOTHING, match, overlap
from difface_cli.training.scenes.collages import BOX_ONLY, FACE, UNSURE

CENTRES, SIDES = anchors(320, 320, MIN_SIZES, STEPS)


def one(box: list[float], kind: int = FACE) -> torch.Tensor:
    return match(torch.tensor([box]), torch.tensor([kind]), CENTRES, SIDES)[0]


def test_overlap_of_known_boxes() -> None:
    a = torch.tensor([[0.0, 0, 2, 2]])
    b = torch.tensor([[1.0, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    torch.testing.assert_close(overlap(a, b), torch.tensor([[1 / 3, 1, 0]]))


def test_a_face_on_an_anchor_has_that_anchor_and_its_like() -> None:
    centre, side = torch.tensor([104.0, 120.0]), 64
    kinds = one([*(centre - side / 2).tolist(), *(centre + side / 2).tolist()])
    at = ((centre == CENTRES).all(dim=1) & (SIDES[:, 0] == side)).nonzero()
    assert len(at) == 1 and kinds[at] == FACE
    positive = kinds == FACE
    assert set(SIDES[positive, 0].tolist()) <= {64.0, 32.0 * 2, 128.0}
    assert (CENTRES[positive] - centre).abs().max() < side
    assert (kinds[~positive] == NOTHING).all()


def test_a_face_between_all_anchors_has_its_nearest() -> None:
    narrow = [100.0, 100.0, 111.0, 111.0]  # at most 121 / 256 of any, where it lies inside
    kinds = one(narrow)
    assert (kinds == FACE).sum() >= 1
    tiny = one([100.0, 100.0, 103.0, 103.0])
    assert (tiny == NOTHING).all()  # nothing to see


def test_each_face_keeps_an_anchor_beside_a_larger_one() -> None:
    boxes = torch.tensor([[96.0, 96, 160, 160], [100, 100, 132, 132]])
    kinds, face = match(boxes, torch.tensor([FACE, BOX_ONLY]), CENTRES, SIDES)
    assert set(face[kinds == FACE].tolist()) == {0}
    assert set(face[kinds == BOX_ONLY].tolist()) == {1}


def test_an_unsure_face_teaches_nothing() -> None:
    kinds = one([96.0, 96, 160, 160], UNSURE)
    assert (kinds == UNSURE).any() and not (kinds > NOTHING).any()


def test_nobody() -> None:
    kinds, _ = match(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), CENTRES, SIDES)
    assert (kinds == NOTHING).all()
