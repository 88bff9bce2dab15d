"""A model of no weights that restores a photo in a few milliseconds, for tests of whole runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.method.denoiser import Denoised, eps_from_x0
from difface_cli.method.schedule import linear
from difface_cli.models import Ready
from difface_cli.weights.registry import Model

SIZE = 16
SCHEDULE = linear()
OPTIONS = ["--n", "100", "--steps", "2", "--gate", "off", "--device", "cpu", "--precision", "fp32"]


class Middle:
    """Finds one face, in the middle of every photo."""

    detect_size = 64

    def __call__(self, rgb: np.ndarray[Any, Any]) -> list[Face]:
        height, width = rgb.shape[:2]
        size = 0.8 * min(height, width)
        left, top = (width - size) / 2, (height - size) / 2
        return [
            Face(
                (left, top, left + size, top + size),
                FFHQ_TEMPLATE_512 * size / 512 + (left, top),
                0.9,
            )
        ]

    def again(self, rgb: np.ndarray[Any, Any], landmarks: Any) -> Face:
        """The same face."""
        return Face((0.0, 0.0, 1.0, 1.0), landmarks, 0.9)


def denoise(x: Tensor, t: int) -> Denoised:
    """A prior that takes a noisy face for one, so that seeds show in the result."""
    a = SCHEDULE.alpha_bar[t]
    x0 = (x / a**0.5).clamp(-1, 1)
    return Denoised(x0, eps_from_x0(x, x0, a))


def loader(then: Callable[[], object] = lambda: None) -> Callable[..., Ready]:
    """What stands in for `models.load`; `then` is done whenever a face is drawn."""

    def estimate(y: Tensor) -> Tensor:
        then()
        return y[:, :3]  # without the mask of holes

    def load(registry: object, model: Model, device: torch.device, dtype: Any, **_: Any) -> Ready:
        small = replace(model, image_size=SIZE)
        detector: Any = Middle()
        return Ready(
            small, estimate, denoise, denoise, SCHEDULE, detector, None, None, device, dtype,
            MappingProxyType({}),
        )  # fmt: skip

    return load


def photos(folder: Path, count: int, size: int = 40) -> list[Path]:
    """Write that many photos, each its own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(count):
        pixels = np.random.default_rng(k).integers(0, 256, (size, size + 4, 3), dtype=np.uint8)
        paths.append(folder / f"{k:03d}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths
