"""Make the two example photos from the astronaut picture that scikit-image ships.

    python examples/photos/make.py

The picture is NASA's portrait of Eileen Collins, in the public domain. `astronaut_old.jpg` is it,
small, blurred, noisy and compressed by eq. 17; `group_old.jpg` is a collage of five copies, of
other sizes and angles and partly mirrored, printed in grey and degraded likewise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from difface_cli.degradations import Degradation, luma

HERE = Path(__file__).parent
FACE = (130, 30, 320, 270)  # head and shoulders in the astronaut picture
PAPER = (176, 172, 164)

# Of each print: left, top, height, degrees, mirrored, brightness.
PRINTS = (
    (40, 60, 330, -6, False, 1.0),
    (330, 30, 260, 5, True, 0.85),
    (590, 70, 300, 3, False, 1.1),
    (170, 400, 230, 9, True, 1.0),
    (470, 390, 270, -4, False, 0.9),
)


def tensor(picture: Image.Image) -> Tensor:
    """RGB picture → 3×h×w in [0, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def save(x: Tensor, path: Path) -> None:
    """Write 3×h×w in [0, 1] as a small JPEG."""
    pixels = (x * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, quality=75)
    print(f"{path.name}: {pixels.shape[1]}x{pixels.shape[0]}, {path.stat().st_size} bytes")


def collage(portrait: Image.Image) -> Image.Image:
    """Five prints with white margins on an album page."""
    page = Image.new("RGB", (880, 700), PAPER)
    for left, top, height, angle, mirrored, brightness in PRINTS:
        print_ = portrait.crop(FACE).point(lambda v, b=brightness: min(255, round(v * b)))
        print_ = print_.resize((round(height * 190 / 240), height), Image.Resampling.LANCZOS)
        if mirrored:
            print_ = print_.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        ImageDraw.Draw(print_).rectangle((0, 0, *print_.size), outline="white", width=6)
        mask = Image.new("L", print_.size, 255).rotate(angle, expand=True)
        print_ = print_.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        shade = mask.filter(ImageFilter.GaussianBlur(6)).point(lambda v: v // 3)
        page.paste((40, 38, 34), (left + 5, top + 7), shade)
        page.paste(print_, (left, top), mask)
    return page


def main() -> None:
    """Write both photos."""
    astronaut = Image.fromarray(skimage.data.astronaut())
    old = Degradation(2.5, 2.5, 0.0, scale=2.6, noise=7, quality=45, seed=1)
    save(old.shrink(tensor(astronaut)), HERE / "astronaut_old.jpg")

    group = luma(tensor(collage(astronaut))).expand(3, -1, -1)
    worn = Degradation(1.4, 1.4, 0.0, scale=1.0, noise=9, quality=50, seed=2)
    save(worn.shrink(group), HERE / "group_old.jpg")


if __name__ == "__main__":
    main()
