"""Twice the size by nearest neighbour, then a 3×3 convolution, as one convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# An enlarged row meets three rows, which are copies of two rows of the small picture: the even
# ones see (i-1, i, i), the odd ones (i, i, i+1). So their three taps are two: [phase, tap, 3].
TAPS = ((((1.0, 0.0, 0.0), (0.0, 1.0, 1.0))), (((1.0, 1.0, 0.0), (0.0, 0.0, 1.0))))


class DoublingConv(nn.Conv2d):
    """Enlarge twice by nearest neighbour and convolve by 3×3: b×i×h×w → b×o×2h×2w.

    For inference `fold` joins the two: each pixel of a 2×2 square of the result has a 2×2
    kernel on the small picture. That takes 16 products where 36 were, and the enlarged picture
    is never made.
    """

    folded: bool = False

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    @torch.no_grad()
    def fold(self) -> None:
        """Join the two; the parameters change their shapes, and fit no checkpoint after that."""
        if self.folded:
            return
        taps = torch.tensor(TAPS, device=self.weight.device)
        phases = torch.einsum("ayk,bxl,oikl->aboiyx", taps, taps, self.weight.float())
        folded = phases.flatten(0, 2).to(self.weight.dtype, memory_format=torch.channels_last)
        self.weight = nn.Parameter(folded, requires_grad=False)
        if self.bias is not None:
            self.bias = nn.Parameter(self.bias.repeat(4), requires_grad=False)
        self.folded = True

    def forward(self, x: Tensor) -> Tensor:
        if not self.folded:
            return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        b, _, height, width = x.shape
        # Padded by one all round there is one window more than pixels: even rows begin with the
        # first window, odd rows with the second, and so with columns.
        windows = F.conv2d(x, self.weight, self.bias, padding=1).permute(0, 2, 3, 1)
        out = x.new_empty(b, height, 2, width, 2, self.out_channels)
        for phase in range(4):
            row, column = divmod(phase, 2)
            values = windows[..., phase * self.out_channels : (phase + 1) * self.out_channels]
            out[:, :, row, :, column] = values[:, row : row + height, column : column + width]
        return out.view(b, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


def fold_for_inference(network: nn.Module) -> None:
    """Fold every `DoublingConv` of a network that will neither be trained nor saved."""
    for module in network.modules():
        if isinstance(module, DoublingConv):
            module.fold()
