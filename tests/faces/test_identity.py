"""ArcFace sees the middle of a face, dlib's network its chip; both tell faces apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from facexlib.recognition.arcface_arch import Backbone
from PIL import Image
from torch import Tensor, nn

from difface_cli import models
from difface_cli.base.errors import WeightsInvalid
from difface_cli.base.tensors import to_batch
from difface_cli.faces.align import FFHQ_TEMPLATE_512, crop, similarity
from difface_cli.faces.identity import (
    CHIP_LANDMARKS,
    SAME_PERSON,
    build_arcface,
    build_dlib,
    chip,
    embed,
)
from difface_cli.faces.likeness import Recognition
from difface_cli.faces.resample import apply
from difface_cli.networks.recognition import FaceResNet
from difface_cli.weights import dlib, registry, store

CPU = torch.device("cpu")


class Seen(nn.Module):
    """Keeps what it is given."""

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return x.mean((2, 3))


@pytest.mark.parametrize("side", [256, 512])
def test_the_network_sees_the_middle_of_the_face(side: int) -> None:
    face = np.zeros((256, 256, 3), np.uint8)
    face[35:223, 32:220] = (255, 0, 127)
    network = Seen()
    embed(network, face.repeat(side // 256, axis=0).repeat(side // 256, axis=1))
    assert network.x.shape == (1, 3, 112, 112)
    expected = torch.tensor([1, -1, 127 / 127.5 - 1])[:, None, None].expand(3, 112, 112)
    torch.testing.assert_close(network.x[0], expected)


def test_arcface_gives_vectors_of_length_one_and_refuses_other_weights() -> None:
    torch.manual_seed(0)
    state = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se").state_dict()
    network = build_arcface(state, torch.device("cpu"))
    face = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    told = embed(network, face)
    assert told.shape == (512,)
    assert np.linalg.norm(told) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(told, embed(network, face))  # no dropout
    state.pop("body.3.res_layer.1.weight")
    with pytest.raises(WeightsInvalid, match="ArcFace"):
        build_arcface(state, torch.device("cpu"))


@pytest.mark.parametrize("side", [256, 512])
def test_the_chip_has_the_face_where_dlibs_mean_face_is(side: int) -> None:
    matrix = similarity(CHIP_LANDMARKS, side)  # from the chip
    expected = apply(matrix, np.array(CHIP_LANDMARKS))
    y, x = np.mgrid[:side, :side]
    spots = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / (side / 60) ** 2) for a, b in expected]
    seen = chip(to_batch([np.stack(spots, -1).astype(np.float32)]))[0].double().numpy()
    y, x = np.mgrid[:150, :150]
    found = [(float((x * s).sum() / s.sum()), float((y * s).sum() / s.sum())) for s in seen]
    np.testing.assert_allclose(found, CHIP_LANDMARKS, atol=0.3)
    template = FFHQ_TEMPLATE_512 * side / 512
    assert np.abs(expected - template).max() < 0.05 * side


def test_a_gradient_finds_its_way_back_through_the_chip() -> None:
    face = torch.rand(1, 3, 256, 256, requires_grad=True)
    chip(face).sum().backward()  # type: ignore[no-untyped-call]
    assert face.grad is not None
    assert face.grad[0, 0, 100:180, 100:160].abs().min() > 0
    assert face.grad[0, 0, :5].abs().max() == 0


def test_other_weights_than_dlibs_are_refused() -> None:
    state = FaceResNet().state_dict()
    state.pop("head.weight")
    with pytest.raises(WeightsInvalid, match="dlib"):
        build_dlib(state, torch.device("cpu"))


def test_dlibs_network_tells_one_person_from_another() -> None:
    weights = registry.load().weights
    recognition = Recognition(build_dlib(dlib.read(store.verified(weights["dlib"])), CPU))
    print_10 = Image.open(Path(__file__).parents[2] / "examples/photos/prints/print_10.jpg")
    detect = models.load_detector(weights["starter-detector"], CPU)
    one, other = (
        crop(rgb, similarity(detect(rgb)[0].landmarks, 256), 256)
        for rgb in (skimage.data.astronaut(), np.asarray(print_10.convert("RGB")))
    )
    again = (one[:, ::-1] * 0.8 + 0.05).astype(np.float32)
    assert recognition.distance(one, one) == 0
    assert recognition.distance(one, again) < 0.7 * SAME_PERSON
    assert recognition.distance(one, other) > 1.2 * SAME_PERSON
