"""Encoding undoes decoding; anchors lie where facexlib puts them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from difface_cli.faces.anchors import MIN_SIZES, STEPS, VARIANCE, anchors, decode, encode


@pytest.fixture
def places() -> tuple[Tensor, Tensor]:
    return anchors(96, 64, MIN_SIZES, STEPS)


def test_decoding_undoes_encoding(places: tuple[Tensor, Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    count = len(places[0])
    low = torch.rand(2, count, 2, generator=draw) * 60 - 20
    boxes = torch.cat([low, low + 3 + 200 * torch.rand(2, count, 2, generator=draw)], dim=-1)
    landmarks = 80 * torch.rand(2, count, 5, 2, generator=draw)
    again = decode(*encode(boxes, landmarks, *places, VARIANCE), *places, VARIANCE)
    torch.testing.assert_close(again[0], boxes, atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(again[1], landmarks, atol=1e-3, rtol=1e-5)


def test_encoding_undoes_decoding(places: tuple[Tensor, Tensor]) -> None:
    draw = torch.Generator().manual_seed(1)
    offsets = torch.randn(len(places[0]), 4, generator=draw)
    points = torch.randn(len(places[0]), 10, generator=draw)
    again = encode(*decode(offsets, points, *places, VARIANCE), *places, VARIANCE)
    torch.testing.assert_close(again[0], offsets, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(again[1], points, atol=1e-4, rtol=1e-4)


def test_an_anchor_itself_is_zero(places: tuple[Tensor, Tensor]) -> None:
    centres, sides = places
    boxes = torch.cat([centres - sides / 2, centres + sides / 2], dim=1)
    landmarks = centres[:, None].expand(-1, 5, 2)
    offsets, points = encode(boxes, landmarks, centres, sides, VARIANCE)
    torch.testing.assert_close(offsets, torch.zeros_like(offsets), atol=1e-5, rtol=0)
    torch.testing.assert_close(points, torch.zeros_like(points))


def test_they_are_facexlib_s(places: tuple[Tensor, Tensor]) -> None:
    from facexlib.detection.retinaface import generate_config
    from facexlib.detection.retinaface_utils import PriorBox

    config = generate_config("mobile0.25")
    priors = PriorBox(config, image_size=(96, 64)).forward() * torch.tensor([64, 96, 64, 96])
    centres, sides = places
    torch.testing.assert_close(torch.cat([centres, sides, sides], dim=1), priors)
    assert tuple(config["variance"]) == VARIANCE
