"""Enlarge what is not a face with a super-resolution network, tile by tile in bounded memory.

The networks are spandrel's, of the extra `difface-cli[background]`; none is built here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli.base.errors import DeviceError, UsageError, WeightsInvalid
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.base.tensors import to_batch, to_picture
from difface_cli.weights.registry import Weights

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
EXTRA = 'Install it with: pip install "difface-cli[background]"'


@dataclass(frozen=True)
class Upscaler:
    """A network that enlarges; call it with pixels.

    Attributes:
        network: 1×c×h×w in [0, 1] to 1×c×(scale·h)×(scale·w), on `device` in `dtype`.
        scale: how often it enlarges, a whole number.
        channels: c, 1 or 3.
        tile: largest side of what the network works out at once, input pixels.
        overlap: what it sees round a tile beside it, input pixels; results do not depend on the
            tiles where its field of view is no wider.
    """

    network: Callable[[Tensor], Tensor]
    scale: int
    channels: int
    device: torch.device
    dtype: torch.dtype = torch.float32
    tile: int = 256
    overlap: int = 32

    def __call__(self, pixels: Pixels, factor: int, progress: Progress | None = None) -> Pixels:
        """Enlarge a picture.

        Args:
            pixels: h×w×c uint8 or uint16, c = 1 or 3; grey stays grey.
            factor: `scale` or a whole fraction of it.

        Returns:
            (factor·h)×(factor·w)×c in the same depth.

        Raises:
            UsageError: for a factor that the network cannot give.
            DeviceError: when the device's memory does not hold one tile.
        """
        if factor < 1 or self.scale % factor:
            raise UsageError(
                f"This background network enlarges {self.scale} times, not {factor} times.",
                "Choose a network for this factor, or leave --background out.",
            )
        height, width, channels = pixels.shape
        result = np.empty((height * factor, width * factor, channels), pixels.dtype)
        rows, columns = _spans(height, self.tile), _spans(width, self.tile)
        tiles = [(row, column) for row in rows for column in columns]
        for (y0, y1), (x0, x1) in (progress or NoProgress()).steps(tiles, len(tiles), "background"):
            result[y0 * factor : y1 * factor, x0 * factor : x1 * factor] = self._tile(
                pixels, (y0, y1), (x0, x1), factor
            )
        return result

    def _tile(
        self, pixels: Pixels, rows: tuple[int, int], columns: tuple[int, int], factor: int
    ) -> Pixels:
        """One tile of the result; the network also sees `overlap` pixels round it."""
        top, left = max(0, rows[0] - self.overlap), max(0, columns[0] - self.overlap)
        seen = pixels[top : rows[1] + self.overlap, left : columns[1] + self.overlap]
        enlarged = self._run(seen)
        y0, x0 = (rows[0] - top) * self.scale, (columns[0] - left) * self.scale
        height, width = (rows[1] - rows[0]) * self.scale, (columns[1] - columns[0]) * self.scale
        part = enlarged[..., y0 : y0 + height, x0 : x0 + width]
        if self.scale > factor:
            part = torch.nn.functional.avg_pool2d(part, self.scale // factor)
        if pixels.shape[2] == 1:
            part = part.mean(dim=1, keepdim=True)
        top_value = np.iinfo(pixels.dtype).max
        levels = (to_picture(part[0]) * top_value).round()
        return cast(Pixels, levels.astype(pixels.dtype))

    def _run(self, pixels: Pixels) -> Tensor:
        values = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
        x = to_batch([values])
        if self.channels == 1 and x.shape[1] == 3:
            x = x.transpose(0, 1)  # each colour on its own
        elif self.channels == 3 and x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        x = x.to(self.device, self.dtype)
        try:
            with torch.inference_mode():
                parts = [self.network(x[i : i + 1]) for i in range(len(x))]
        except torch.OutOfMemoryError:
            raise DeviceError(
                "There is not enough GPU memory for a tile of the background.",
                "Close other programs, or use --device cpu.",
            ) from None
        y = torch.cat(parts).float().clamp(0, 1)
        return y.transpose(0, 1) if len(parts) > 1 else y


def build(
    weights: Weights, state: Mapping[str, Tensor], device: torch.device, **options: Any
) -> Upscaler:
    """The network that these tensors are of, as spandrel recognises it, in float32 on `device`.

    Args:
        options: `tile` and `overlap` of the upscaler.

    Raises:
        UsageError: when spandrel is not installed.
        WeightsInvalid: when the tensors are of no super-resolution network, or one with another
            scale than `weights.params` says.
    """
    try:
        import spandrel
    except ImportError:
        raise UsageError(f"The weights {weights.name} need spandrel.", EXTRA) from None
    try:
        found = spandrel.ModelLoader(device).load_from_state_dict(dict(state))
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError, ValueError) as e:
        reason = str(e).partition("\n")[0][:200]
        raise WeightsInvalid(
            f"The weights {weights.name} are of no network that spandrel knows: {reason}",
            "Name a file of a super-resolution network.",
        ) from None
    scale = weights.params.get("scale", found.scale)
    same = found.input_channels == found.output_channels and found.input_channels in (1, 3)
    if not isinstance(found, spandrel.ImageModelDescriptor) or not same or found.scale != scale:
        raise WeightsInvalid(
            f"The weights {weights.name} are no network that enlarges pictures {scale} times.",
            f"Correct params in [weights.{weights.name}] of models.toml.",
        )
    found.eval()
    return Upscaler(found, found.scale, found.input_channels, device, **options)


def _spans(length: int, most: int) -> list[tuple[int, int]]:
    """Cut a length into the fewest parts of nearly the same size, none above `most`."""
    count = -(-length // most)
    edges = [length * i // count for i in range(count + 1)]
    return list(itertools.pairwise(edges))
