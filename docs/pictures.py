"""Make the README's pictures from what `make demo` wrote.

    make demo && python docs/pictures.py

Before and after side by side: the old photo enlarged by Lanczos, and the restored one; and a
report, as Chromium shows it.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
TOP = HERE.parent
# Of each photo: the part that is shown, as left, top, right, bottom in shares of its size.
PARTS = {"astronaut": (0.2, 0.0, 0.7, 0.5)}
WIDTH = 480  # of each half
PRINTS = ("print_18", "print_40", "print_10", "print_55")
SIDE = 240  # of each print


def main() -> None:
    """Write the pictures into docs/images/."""
    side_by_side()
    prints()
    screenshot()


def screenshot() -> None:
    """The report of the group, its faces numbered: the left half light, the right one dark."""
    views = []
    with sync_playwright() as playwright:
        path = os.environ.get("DIFFACE_BROWSER", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            viewport = {"width": 760, "height": 890}
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            page.goto((TOP / "demo/group_old.html").as_uri())
            page.locator(".numbers").check()
            views.append(Image.open(io.BytesIO(page.screenshot())))
        browser.close()
    light, dark = views
    light.paste(dark.crop((dark.width // 2, 0, *dark.size)), (dark.width // 2, 0))
    light.save(HERE / "images/report.jpg", quality=85)


def side_by_side() -> None:
    """One picture a photo."""
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


def prints() -> None:
    """Real old prints, above as they are, below restored."""
    sheet = Image.new("RGB", (SIDE * len(PRINTS), 2 * SIDE))
    for column, name in enumerate(PRINTS):
        for row, folder in enumerate((TOP / "examples/photos/prints", TOP / "demo")):
            picture = Image.open(folder / f"{name}.jpg").convert("RGB")
            square = ImageOps.fit(
                picture, (SIDE, SIDE), Image.Resampling.LANCZOS, centering=(0.5, 0)
            )
            sheet.paste(square, (column * SIDE, row * SIDE))
    sheet.save(HERE / "images/prints.jpg", quality=90)


if __name__ == "__main__":
    main()
