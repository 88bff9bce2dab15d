"""Folders of small pictures, and instruments that need no network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from difface_cli.evaluation import pixels
from difface_cli.evaluation.measurement import Instruments, Picture
from tests.images.pictures import smooth

NAMES = ("a", "b", "sub/c")


def folder(place: Path, worse: int = 0, suffix: str = ".png", size: int = 48) -> Path:
    """The pictures of `NAMES`, `worse` levels of noise away from the good ones."""
    for k, name in enumerate(NAMES):
        path = place / (name + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        good = np.roll(smooth(size, size), 9 * k, axis=1).astype(int)
        noise = np.random.default_rng(k).integers(-worse, worse + 1, good.shape)
        Image.fromarray(np.clip(good + noise, 0, 255).astype(np.uint8)).save(path)
    return place


def mean_colour(picture: Picture) -> np.ndarray:  # type: ignore[type-arg]
    """What the fake networks of tests see."""
    return picture.values.mean(axis=(0, 1)).astype(np.float32)


def instruments(*names: str) -> Instruments:
    """Of the plain measures; "detector" is the mean colour."""
    return Instruments(pixels.quick(names), single={"detector": mean_colour})
