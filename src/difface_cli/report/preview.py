"""A picture of what was found, with the faces numbered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from difface_cli import images
from difface_cli.images import Photo
from difface_cli.report import grids
from difface_cli.tasks import Crops, Found

CHOSEN, LEFT_OUT = (64, 220, 96), (255, 176, 32)


def numbered(photo: Photo, faces: Sequence[Found]) -> Photo:
    """The photo in 8-bit colour with a box and a number at each face.

    Green boxes will be restored, orange ones left as they are.
    """
    picture = Image.fromarray(images.rgb8(photo))
    draw = ImageDraw.Draw(picture)
    line = max(1, round(max(picture.size) / 600))
    for found in faces:
        colour = LEFT_OUT if found.skipped else CHOSEN
        x0, y0, x1, y1 = found.face.box
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=line)
        for x, y in found.face.landmarks:
            draw.ellipse((x - line, y - line, x + line, y + line), fill=colour)
        font = ImageFont.load_default(max(10.0, min(48.0, (y1 - y0) / 4)))
        label = draw.textbbox((x0, y0), str(found.index), font=font, anchor="lb")
        draw.rectangle(label, fill=colour)
        draw.text((x0, y0), str(found.index), fill="black", font=font, anchor="lb")
    return Photo(pixels=np.asarray(picture), format="PNG")


def samples(crops: Sequence[Crops], before: str) -> Photo:
    """A contact sheet: a row a face, first as it was, then the numbered samples.

    Args:
        before: what it was like, such as "with holes".
    """
    rows = [[_tile(face.original), *map(_tile, face.restored)] for face in crops]
    names = [f"sample {k + 1}" for k in range(len(crops[0].restored))]
    labels = [f"face {face.index}" for face in crops]
    grid = grids.Grid(rows, labels, [before, *names], apart=1)
    return Photo(pixels=grids.draw(grid, crops[0].original.shape[0]), format="PNG")


def _tile(picture: npt.NDArray[np.float32]) -> grids.Tile:
    return grids.Tile(lambda: picture)
