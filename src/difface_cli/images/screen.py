"""A picture as a screen shows it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from difface_cli.images.decode import to_srgb
from difface_cli.images.photo import Photo, to_depth8


def on_screen(photo: Photo, longest: int | None = None) -> npt.NDArray[np.uint8]:
    """h×w×3 uint8 in sRGB, on white where it is transparent, at most `longest` pixels a side.

    Made smaller by Lanczos' filter, never larger. A profile that cannot be used is ignored.
    """
    image = _small(photo.pixels[..., 0] if photo.is_gray_file else photo.pixels, longest)
    image = to_srgb(image, photo.icc)
    if photo.alpha is not None:
        paper = Image.new("RGB", image.size, "white")
        image = Image.composite(image, paper, _small(photo.alpha, longest))
    return np.asarray(image)


def _small(pixels: npt.NDArray[np.uint8 | np.uint16], longest: int | None) -> Image.Image:
    image = Image.fromarray(to_depth8(pixels))
    if longest is not None:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return image
