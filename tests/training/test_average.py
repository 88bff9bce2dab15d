from __future__ import annotations

import torch
from torch import nn

from difface_cli.training.average import Average


def test_a_constant_network_is_its_own_average() -> None:
    network = nn.Linear(3, 2)
    average = Average(network, 0.99)
    for step in range(5):
        average.update(network, step)
    torch.testing.assert_close(average.state["weight"], network.weight.detach())


def test_the_average_is_the_weighted_sum_of_the_past() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Average(network, decay=0.5)
    expected = 0.0
    for step in range(20):
        with torch.no_grad():
            network.weight.fill_(step + 1.0)
        average.update(network, step)
        decay = min(0.5, (step + 2) / (step + 11))
        expected = decay * expected + (1 - decay) * (step + 1)
    torch.testing.assert_close(average.state["weight"].item(), expected)


def test_counters_are_copied_and_statistics_averaged() -> None:
    network = nn.BatchNorm2d(2)
    average = Average(network, 0.9)
    for step in range(3):
        network(torch.randn(4, 2, 3, 3) + 5)
        average.update(network, step)
    assert average.state["num_batches_tracked"] == 3
    assert 0 < average.state["running_mean"].min() < network.running_mean.max()  # type: ignore[union-attr]
