"""Folders of small pictures, and recipes of tiny networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difface_cli.training import recipe as recipes
from difface_cli.training.recipe import Recipe

SRCNN = """
network = "srcnn"
size = 16
steps = 4
batch = 4
ema = 0.9
channels_last = false

[params]
num_chns = 8
depth = 2
down_scale_factor = 2

[optimizer]
rate = 1e-2

[every]
log = 1
checkpoint = 2
sheet = 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures of random colours, one of them not square, one in a subfolder."""
    rng = np.random.default_rng(0)
    pictures = tmp_path / "pictures"
    (pictures / "more").mkdir(parents=True)
    for i in range(6):
        size = (24, 40, 3) if i == 1 else (32, 32, 3)
        blocks = rng.integers(0, 256, (size[0] // 8, size[1] // 8, 3), np.uint8)
        pixels = blocks.repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels).save(pictures / ("more" if i == 5 else "") / f"{i}.png")
    return pictures


@pytest.fixture
def recipe(tmp_path: Path, folder: Path) -> Recipe:
    """Four steps of a tiny SRCNN."""
    path = tmp_path / "srcnn.toml"
    path.write_text(SRCNN + f'[data]\npictures = "{folder}"\n')
    return recipes.read(path, "estimator")
