"""A network's view of x_t is the same whatever stands beside a picture, at whatever timestep."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from difface_cli.method.denoiser import from_network
from difface_cli.method.schedule import linear


@pytest.mark.parametrize("predicts", ["eps", "x0"])
@pytest.mark.parametrize("channels", [3, 6])
def test_a_timestep_for_each_picture(predicts: str, channels: int) -> None:
    def network(x: Tensor, t: Tensor) -> Tensor:
        return torch.cat([x, x], dim=1)[:, :channels] * (t[:, None, None, None] + 1) / 400

    denoise = from_network(network, linear(), predicts)
    x_t = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    several = denoise(x_t, [400, 0, 77])
    for i, t in enumerate([400, 0, 77]):
        alone, part = denoise(x_t[i : i + 1], t), several.split([1, 1, 1])[i]
        assert torch.equal(part.x0, alone.x0)
        assert torch.equal(part.eps, alone.eps)
        if channels == 3:
            assert part.variance is alone.variance is None
        else:
            assert part.variance is not None
            assert alone.variance is not None
            assert torch.equal(part.variance, alone.variance)
    assert not torch.equal(several.eps, denoise(x_t, 400).eps)
