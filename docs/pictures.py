"""Make the README's pictures from what `make demo` wrote.

    make demo && python docs/pictures.py

Before and after side by side: the old photo enlarged by Lanczos, and the restored one.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
TOP = HERE.parent
# Of each photo: the part that is shown, as left, top, right, bottom in shares of its size.
PARTS = {"astronaut": (0.2, 0.0, 0.7, 0.5), "group": (0.0, 0.02, 0.66, 0.6)}
WIDTH = 480  # of each half


def main() -> None:
    """Write one picture a photo into docs/images/."""
    for name, part in PARTS.items():
        after = Image.open(TOP / "demo" / f"{name}_old.jpg")
        before = Image.open(TOP / "examples/photos" / f"{name}_old.jpg")
        before = before.resize(after.size, Image.Resampling.LANCZOS)
        box = tuple(round(share * side) for share, side in zip(part, after.size * 2, strict=True))
        height = round(WIDTH * (box[3] - box[1]) / (box[2] - box[0]))
        sheet = Image.new("RGB", (2 * WIDTH, height))
        for i, half in enumerate((before, after)):
            crop = half.crop(box).resize((WIDTH, height), Image.Resampling.LANCZOS)
            sheet.paste(crop.convert("RGB"), (i * WIDTH, 0))
        sheet.save(HERE / "images" / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    main()
