"""facexlib's RetinaFace, built without its downloads, and its answers turned into pixels.

Deng et al. 2020. At every anchor the network answers with a box and five landmarks relative to
the anchor, and with the probability of a face.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from difface_cli.errors import RegistryError, WeightsInvalid
from difface_cli.faces.resample import Array

BACKBONES = ("resnet50", "mobile0.25")
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS_A_CELL = 2


class Answers(NamedTuple):
    """What the network says at each of A anchors of b pictures, in those pictures' pixels."""

    boxes: Tensor
    """b×A×4, x0, y0, x1, y1."""
    scores: Tensor
    """b×A, probability of a face."""
    landmarks: Tensor
    """b×A×5×2."""


def build_retinaface(
    backbone: str,
    *,
    state_dict: Mapping[str, Tensor],
    device: torch.device,
    relu_slope: float | None = None,
    min_sizes: list[list[int]] | None = None,
) -> nn.Module:
    """facexlib's RetinaFace with these weights, in evaluation mode on `device`.

    Args:
        backbone: "resnet50" or "mobile0.25".
        state_dict: a tensor for every parameter and statistic; "module." in front is ignored.
        relu_slope: the slope of every LeakyReLU below 0, where the weights were trained with
            another than facexlib's; 0 for plain ReLU.
        min_sizes: the two anchors of each of the three levels in pixels, where they were trained
            with others than facexlib's.

    Raises:
        RegistryError: for an unknown backbone, or anchors that no head answers for.
        WeightsInvalid: when names or shapes differ from the network's.
    """
    from facexlib.detection.retinaface import RetinaFace

    if backbone not in BACKBONES:
        raise RegistryError(
            f"There is no RetinaFace {backbone!r}.", f"Use one of: {', '.join(BACKBONES)}."
        )
    with warnings.catch_warnings():  # torchvision's about facexlib's way to ask for no weights
        warnings.simplefilter("ignore")
        network: nn.Module = RetinaFace(backbone, half=False, device=device)
    load_strictly(network, state_dict, f"RetinaFace {backbone}")
    if relu_slope is not None:
        for module in network.modules():
            if isinstance(module, nn.LeakyReLU):
                module.negative_slope = relu_slope
    if min_sizes is not None:
        settings = cast(Any, network)
        if [len(level) for level in min_sizes] != [ANCHORS_A_CELL] * len(settings.cfg["steps"]):
            raise RegistryError(
                f"RetinaFace has two anchors on each of three levels, not min_sizes = {min_sizes}.",
                "Write min_sizes as [[16, 32], [64, 128], [256, 512]].",
            )
        settings.cfg = {**settings.cfg, "min_sizes": min_sizes}
    return network.eval().requires_grad_(False)


def load_strictly(network: nn.Module, state_dict: Mapping[str, Tensor], name: str) -> None:
    """Fill a network, taking "module." off the names.

    Raises:
        WeightsInvalid: naming the first names or shapes that differ.
    """
    state = {key.removeprefix("module."): tensor for key, tensor in state_dict.items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as e:
        first = str(e).partition("\n")[2].partition("\n")[0].strip()
        raise WeightsInvalid(
            f"These weights do not fit {name}: {first[:200]}",
            "Check the weights' params in models.toml.",
        ) from None


def to_batch(pictures: Sequence[Array], device: torch.device) -> Tensor:
    """Pictures of one shape, h×w×3 in [0, 255], as b×3×h×w float32 on `device`."""
    batch = torch.from_numpy(np.stack(pictures)).to(device)
    return batch.permute(0, 3, 1, 2).float()


def answer(network: nn.Module, pictures: Tensor) -> Answers:
    """Run the network.

    Args:
        network: as `build_retinaface` gives it: `cfg` has "min_sizes", "steps" and "variance".
        pictures: b×3×h×w RGB in [0, 255], on the network's device.
    """
    mean = torch.tensor(MEAN_BGR, device=pictures.device)[:, None, None]
    offsets, probabilities, points = network(pictures.flip(1) - mean)
    cfg = cast(Any, network).cfg
    centre, size = anchors(
        pictures.shape[2],
        pictures.shape[3],
        tuple(tuple(level) for level in cfg["min_sizes"]),
        tuple(cfg["steps"]),
    )
    centre, size = centre.to(pictures.device), size.to(pictures.device)
    near, far = cfg["variance"]
    middle = centre + offsets[..., :2] * near * size
    half = size * torch.exp(offsets[..., 2:] * far) / 2
    landmarks = points.unflatten(-1, (5, 2)) * near * size[:, None] + centre[:, None]
    boxes = torch.cat([middle - half, middle + half], dim=-1)
    return Answers(boxes, probabilities[..., 1], landmarks)


@lru_cache(maxsize=16)
def anchors(
    height: int, width: int, min_sizes: Sequence[Sequence[int]], steps: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Centres (A×2) and sides (A×1) of the anchors, pixels, in the order of the answers.

    Each level has a cell of `step` pixels for every started `step` of the picture, and in each
    cell one square anchor of each of its sizes. Read-only: the result is shared.
    """
    centres, sides = [], []
    for sizes, step in zip(min_sizes, steps, strict=True):
        y = (torch.arange(-(-height // step)) + 0.5) * step
        x = (torch.arange(-(-width // step)) + 0.5) * step
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
        centres.append(grid.repeat_interleave(len(sizes), dim=0))
        sides.append(torch.tensor(sizes, dtype=torch.float32).repeat(len(grid))[:, None])
    return torch.cat(centres), torch.cat(sides)
