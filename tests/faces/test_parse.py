"""Parsing with a stub that knows the classes; shapes with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from difface_cli.base.errors import WeightsInvalid
from difface_cli.faces.parse import CLASSES, OUTSIDE, build_parsenet, parse_mask

CPU = torch.device("cpu")


class Known(nn.Module):
    """Answers with one class in the middle of the picture and background around it."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        assert pictures.shape == (1, 3, 512, 512)
        assert pictures.min() >= -1 and pictures.max() <= 1
        logits = torch.zeros(1, CLASSES, 512, 512)
        logits[:, 0] = 1
        logits[:, self.inside, 128:384, 192:320] = 2
        return logits, pictures


@pytest.mark.parametrize("side", [128, 512, 700])
@pytest.mark.parametrize("kind", range(1, CLASSES))
def test_only_the_face_s_classes_show(kind: int, side: int) -> None:
    if side != 128 and kind > 1:
        return
    mask = parse_mask(Known(kind), np.ones((side, side, 3), np.float32))
    assert mask.shape == (side, side) and mask.dtype == np.float32
    if kind in OUTSIDE:
        assert not mask.any()
        return
    part = side / 512
    assert mask[side // 2, side // 2] > 0.99 and mask[0, 0] == 0
    rows, columns = (mask[:, side // 2], mask[side // 2])
    assert rows.sum() == pytest.approx(256 * part, rel=0.02)
    assert columns.sum() == pytest.approx(128 * part, rel=0.02)
    assert np.abs(np.diff(columns)).max() < 0.03 / part


def test_hair_counts_and_neck_does_not() -> None:
    hair, hat, neck = 13, 14, 17
    assert hair not in OUTSIDE and {hat, neck} <= set(OUTSIDE)


def test_the_mask_stays_in_range() -> None:
    class Confused(nn.Module):
        def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
            return torch.rand(1, CLASSES, 512, 512), pictures

    mask = parse_mask(Confused(), np.full((64, 64, 3), 0.5, np.float32))
    assert mask.shape == (64, 64) and mask.min() >= 0 and mask.max() <= 1


def test_parsenet_is_built_strictly_and_answers_with_classes_first() -> None:
    from facexlib.parsing.parsenet import ParseNet

    state = ParseNet(in_size=512, out_size=512, parsing_ch=CLASSES).state_dict()
    network = build_parsenet(state, CPU)
    assert not network.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    answers = network.to("meta")(torch.empty(1, 3, 512, 512, device="meta"))
    assert answers[0].shape == (1, CLASSES, 512, 512)
    state.pop("encoder.0.conv2d.weight")
    with pytest.raises(WeightsInvalid, match=r"encoder\.0\.conv2d\.weight"):
        build_parsenet(state, CPU)
