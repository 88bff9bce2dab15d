"""The exponential moving average of a network's parameters and statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """EMA over a whole state dict; what is not floating point is copied.

    Attributes:
        state: name → averaged tensor, on the network's device, in float32.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {
            name: value.detach().clone(memory_format=torch.contiguous_format)
            for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the parameters after step `step`, counted from 0.

        The first steps weigh more: the decay is (step + 2) / (step + 11) as long as that is
        smaller, so that the random beginning is soon forgotten.
        """
        decay = min(self.decay, (step + 2) / (step + 11))
        averages: list[Tensor] = []
        currents: list[Tensor] = []
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                averages.append(self.state[name])
                currents.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(averages, currents, 1 - decay)
