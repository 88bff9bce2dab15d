"""A detector whose truth is known: it answers with the bright rectangle of a dark picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from difface_cli.faces.anchors import anchors
from difface_cli.faces.retinaface import MEAN_BGR
from tests.faces.pictures import Array

MIN_SIZES = [[16, 32], [64, 128], [256, 512]]
STEPS = [8, 16, 32]
NEAR, FAR = 0.1, 0.2

# Landmarks as parts of the box, the same in a mirrored face.
LAYOUT = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


def planted(height: int, width: int, box: tuple[int, int, int, int]) -> Array:
    """A black photo, bright from x0, y0 up to but without x1, y1."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[box[1] : box[3], box[0] : box[2]] = 200
    return photo


def truth(box: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """The box through the outer pixels' outer edges, and the landmarks in it."""
    edges = np.array(box) - 0.5
    return edges, edges[:2] + LAYOUT * (edges[2:] - edges[:2])


class PlantedNetwork(nn.Module):
    """Finds the rectangle by its moments and says so at the anchor that fits it best."""

    def __init__(self, confidence: float = 0.99) -> None:
        super().__init__()
        self.cfg: dict[str, Any] = {
            "min_sizes": MIN_SIZES,
            "steps": STEPS,
            "variance": [NEAR, FAR],
        }
        self.confidence = confidence
        self.seen: list[tuple[int, ...]] = []

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.seen.append(tuple(pictures.shape))
        sizes = tuple(tuple(level) for level in MIN_SIZES)
        centre, side = anchors(*pictures.shape[2:], sizes, tuple(STEPS))
        boxes = torch.zeros(len(pictures), len(side), 4)
        scores = torch.zeros(len(pictures), len(side), 2)
        points = torch.zeros(len(pictures), len(side), 10)
        for i, picture in enumerate(pictures):
            middle, extent = self.moments(picture[1] + MEAN_BGR[1])
            fit = (centre - middle).abs().sum(dim=1) + (side[:, 0] - extent.max()).abs()
            best = int(fit.argmin())
            at, scale = centre[best], side[best]
            boxes[i, best, :2] = (middle - at) / scale / NEAR
            boxes[i, best, 2:] = torch.log(extent / scale) / FAR
            marks = middle + (torch.from_numpy(LAYOUT).float() - 0.5) * extent
            points[i, best] = ((marks - at) / scale / NEAR).flatten()
            scores[i, best, 1] = self.confidence
        return boxes, scores, points

    @staticmethod
    def moments(light: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and sides of a bright rectangle: its variance is a twelfth of a squared side."""
        y, x = torch.meshgrid(*(torch.arange(n).double() for n in light.shape), indexing="ij")
        weight = light.double().clip(0) / light.double().clip(0).sum()
        middle = torch.stack([(weight * x).sum(), (weight * y).sum()])
        spread = torch.stack(
            [(weight * (x - middle[0]) ** 2).sum(), (weight * (y - middle[1]) ** 2).sum()]
        )
        # A pixel is itself a twelfth wide.
        return middle.float(), (12 * spread + 1).sqrt().float()
