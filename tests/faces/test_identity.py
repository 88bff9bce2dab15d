"""The embedding of a face is ArcFace's of its middle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from facexlib.recognition.arcface_arch import Backbone
from torch import Tensor, nn

from difface_cli.base.errors import WeightsInvalid
from difface_cli.faces.identity import build_arcface, embed


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
