"""The simple estimator: SRCNN between pixel-unshuffle and pixel-shuffle.

Dong et al. 2014, with the changes of DifFace's appendix B.
"""

from __future__ import annotations

from torch import Tensor, nn


class SRCNN(nn.Module):
    """Convolutions of 5×5 at 1/`down_scale_factor` of the picture's size.

    Args:
        in_chns: channels of the picture.
        down_scale_factor: a power of two; each factor of two is one unshuffle and one shuffle.
        num_chns: channels of the body, divisible by `down_scale_factor`².
        depth: one more than the body has convolutions, as published: the paper's nine are 10.
        residual: whether the network predicts what is to be added to its input (ours; the
            published one does not).
    """

    def __init__(
        self,
        *,
        in_chns: int = 3,
        down_scale_factor: int = 4,
        num_chns: int = 64,
        depth: int = 10,
        residual: bool = False,
    ) -> None:
        super().__init__()
        halvings = down_scale_factor.bit_length() - 1
        if halvings < 1 or down_scale_factor != 2**halvings:
            raise ValueError(f"down_scale_factor {down_scale_factor} is no power of two above 1")
        self.stride = down_scale_factor
        self.residual = residual

        head: list[nn.Module] = []
        ch = in_chns
        for i in range(halvings):
            head += [nn.PixelUnshuffle(2), nn.Conv2d(4 * ch, num_chns, 3, padding=1)]
            if i < halvings - 1:
                ch = num_chns // 4
                head += [nn.Conv2d(num_chns, ch, 5, padding=2), nn.LeakyReLU(0.2)]
        self.head = nn.Sequential(*head)

        body: list[nn.Module] = []
        for _ in range(depth - 1):
            body += [nn.Conv2d(num_chns, num_chns, 5, padding=2), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body)

        tail: list[nn.Module] = []
        ch = num_chns
        for _ in range(halvings):
            tail += [nn.Conv2d(ch, ch, 3, padding=1), nn.LeakyReLU(0.2), nn.PixelShuffle(2)]
            ch //= 4
        self.tail = nn.Sequential(*tail, nn.Conv2d(ch, in_chns, 5, padding=2))

    def forward(self, y: Tensor) -> Tensor:
        """Estimate the sharp picture: b×c×h×w in [0, 1] → the same shape, not clamped."""
        x: Tensor = self.tail(self.body(self.head(y)))
        return y + x if self.residual else x
