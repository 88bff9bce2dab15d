from __future__ import annotations

from typing import Any

import pytest
import torch

from difface_cli.networks import build

TINY: dict[str, Any] = {
    "patch_size": 2, "channels": [32, 64], "blocks": [1, 2], "attentive": [1],
}  # fmt: skip


def test_it_begins_as_the_identity_and_learns_through_every_parameter() -> None:
    network, y = build("drunet", TINY), torch.rand(2, 3, 16, 24)
    torch.testing.assert_close(network(y), y)
    x = torch.rand(2, 3, 16, 24)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    before = (network(y) - x).square().mean()
    for _ in range(30):
        loss = (network(y) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.7 * before
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_its_stride_is_the_smallest_picture() -> None:
    network = build("drunet", TINY)
    stride = network.stride
    assert stride == 4
    assert network(torch.rand(1, 3, stride, 3 * stride)).shape == (1, 3, stride, 3 * stride)


def test_blocks_and_channels_are_one_a_level() -> None:
    with pytest.raises(ValueError, match="blocks has 3 entries for 2 levels"):
        build("drunet", TINY | {"blocks": [1, 1, 1]})
