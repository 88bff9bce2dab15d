"""Make the two example photos, from a sharp portrait and from five real old prints.

    python examples/photos/make.py

`astronaut_old.jpg` is NASA's portrait of Eileen Collins, in the public domain, which scikit-image
ships: small, blurred, noisy and compressed by eq. 17. `group_old.jpg` is an album page with the
prints of `prints/` (CC0, see CREDITS.md there), photographed a little out of focus.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from torch import Tensor

from difface_cli.degradations import Degradation

HERE = Path(__file__).parent
PAPER = (176, 172, 164)

# Of each print: its file, left, top, height, degrees.
PRINTS = (
    ("print_18", 40, 60, 330, -6),
    ("print_40", 330, 30, 290, 5),
    ("print_10", 590, 70, 300, 3),
    ("print_49", 150, 400, 260, 8),
    ("print_55", 470, 370, 290, -4),
)


def tensor(picture: Image.Image) -> Tensor:
    """RGB picture → 3×h×w in [0, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def save(x: Tensor, path: Path) -> None:
    """Write 3×h×w in [0, 1] as a small JPEG."""
    pixels = (x * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, quality=75)
    print(f"{path.name}: {pixels.shape[1]}x{pixels.shape[0]}, {path.stat().st_size} bytes")


def collage() -> Image.Image:
    """The prints with white margins on an album page."""
    page = Image.new("RGB", (880, 700), PAPER)
    for name, left, top, height, angle in PRINTS:
        with Image.open(HERE / "prints" / f"{name}.jpg") as file:
            size = (round(height * 0.8), height)
            print_ = ImageOps.fit(file.convert("RGB"), size, Image.Resampling.LANCZOS)
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

    worn = Degradation(1.4, 1.4, 0.0, scale=1.0, noise=5, quality=60, seed=2)
    save(worn.shrink(tensor(collage())), HERE / "group_old.jpg")


if __name__ == "__main__":
    main()
