"""Portraits whose landmarks can be seen: a dot of its own colour at each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from difface_cli.training.scenes.album import Portrait

Array = npt.NDArray[Any]
DOTS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 0, 255]], np.uint8
)  # left eye, right eye, nose, left and right corner of the mouth, as seen
LANDMARKS = np.array([[42, 50], [78, 52], [60, 70], [46, 90], [74, 91]], np.float32)
BOX = np.array([30, 25, 90, 105], np.float32)


def dotted(background: int = 128) -> Portrait:
    """160×120 pixels with five dots of 7×7."""
    pixels = np.full((160, 120, 3), background, np.uint8)
    for (x, y), paint in zip(LANDMARKS.astype(int), DOTS, strict=True):
        pixels[y - 3 : y + 4, x - 3 : x + 4] = paint
    return Portrait(pixels, BOX.copy(), LANDMARKS.copy())


def dots(pixels: Array) -> Array:
    """Where each colour is, 5×2: the middle of the pixels that are nearly that colour."""
    near = np.abs(pixels[:, :, None].astype(int) - DOTS.astype(int)).sum(axis=-1) < 150
    return np.array([np.argwhere(near[..., i])[:, ::-1].mean(axis=0) for i in range(len(DOTS))])


def folder(place: Path, count: int = 6, split: str = "train") -> Path:
    """A folder of portraits as the detector's training takes it: noise with a face-like place."""
    (place / "whole").mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(count):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (20, 15, 3), dtype=np.uint8)
        name = f"p{number}"
        big = Image.fromarray(pixels).resize((120, 160), Image.Resampling.BICUBIC)
        big.save(place / "whole" / f"{name}.jpg")
        entries.append(
            {"id": name, "split": split, "box": BOX.tolist(), "landmarks5": LANDMARKS.tolist()}
        )
    (place / "manifest.json").write_text(json.dumps(entries))
    return place
