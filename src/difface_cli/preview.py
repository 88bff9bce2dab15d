"""A picture of what was found, with the faces numbered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from difface_cli import images
from difface_cli.images import Photo
from difface_cli.pipeline import Crops, Found

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


def fillings(crops: Sequence[Crops]) -> Photo:
    """A contact sheet: a row a face, first with its holes, then the samples with their numbers."""
    rows = [np.concatenate([face.original, *face.restored], axis=1) for face in crops]
    sheet = Image.fromarray((np.concatenate(rows).clip(0, 1) * 255).round().astype(np.uint8))
    draw = ImageDraw.Draw(sheet)
    side = crops[0].original.shape[0]
    font = ImageFont.load_default(max(10.0, side / 14))
    for row, face in enumerate(crops):
        for k in range(len(face.restored)):
            at = ((k + 1) * side, row * side)
            draw.rectangle(draw.textbbox(at, str(k + 1), font=font), fill="black")
            draw.text(at, str(k + 1), fill="white", font=font)
    return Photo(pixels=np.asarray(sheet), format="PNG")
