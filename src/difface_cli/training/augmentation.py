"""Changes of a prior's training pictures, told to its network so that none leaks into results.

Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", appendix
F.2: each change comes by chance, the network sees its numbers, and zeros are told when sampling.
Theirs are of geometry; light is added, for few training pictures hold only few lights.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.training.objective import relit

# In the order of the label: standard deviations of log₂ of the size, the angle in radians, the
# shifts in widths of the picture, exposure, contrast and the three channels' gains in natural logs,
# and of log₂ of width against height.
SPREADS = (0.2, 0.25, 0.08, 0.08, 0.3, 0.2, 0.08, 0.08, 0.08, 0.1)
TOGETHER = ((0,), (1,), (2, 3), (4,), (5,), (6, 7, 8), (9,))
CHANNELS = len(SPREADS)


def draw(rng: np.random.Generator, chance: float) -> Tensor:
    """The label of one picture, (CHANNELS,): each change by its chance, else 0."""
    label = np.zeros(CHANNELS, np.float32)
    if chance:
        for places in TOGETHER:
            if rng.random() < chance:
                label[list(places)] = rng.normal(0, [SPREADS[i] for i in places])
    return torch.from_numpy(label)


def augment(x: Tensor, label: Tensor) -> Tensor:
    """Change each of b×3×h×w pictures in [0, 1] as its row of b×CHANNELS says."""
    return _lit(_moved(x, label), label)


def _moved(x: Tensor, label: Tensor) -> Tensor:
    """Sized, turned and shifted, mirrored beyond the border."""
    angle, stretch = label[:, 1], 2 ** (label[:, 9] / 2)
    size = 2 ** label[:, 0]
    cos, sin = angle.cos() / size, angle.sin() / size
    back = torch.stack([
        torch.stack([cos / stretch, sin / stretch, 2 * label[:, 2]], dim=1),
        torch.stack([-sin * stretch, cos * stretch, 2 * label[:, 3]], dim=1),
    ], dim=1)  # fmt: skip
    places = F.affine_grid(back, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, places, padding_mode="reflection", align_corners=False)
    still = (label[:, [0, 1, 2, 3, 9]] == 0).all(dim=1)
    return torch.where(still.view(-1, 1, 1, 1), x, moved)


def _lit(x: Tensor, label: Tensor) -> Tensor:
    """In another exposure, contrast and white balance."""
    factors = [
        torch.exp(label[:, part]).view(len(x), -1, 1, 1)
        for part in (slice(4, 5), slice(5, 6), slice(6, 9))
    ]
    still = (label[:, 4:9] == 0).all(dim=1)
    return torch.where(still.view(-1, 1, 1, 1), x, relit(x, *factors))
