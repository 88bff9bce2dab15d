"""How a sharp face becomes a photo to be restored: eq. 17, its recipes, and what age adds.

The modules: `parts` are the operators of eq. 17, each of use by itself, `degradation` puts them
together with one draw of parameters, `recipes` draw those parameters, `old_photo` adds what paper
and print do, `wild` mixes all of it for training. Blur and scale are given for faces of 512
pixels, the paper's size, and shrink with the picture, so that the low-quality picture has the
same number of pixels whatever the size worked at.
"""

from __future__ import annotations

from difface_cli.degradations.degradation import Degradation, batch
from difface_cli.degradations.old_photo import OldPhoto
from difface_cli.degradations.parts import (
    PAPER_KERNEL,
    PAPER_SIZE,
    RESAMPLES,
    blur,
    gaussian_kernel,
    jpeg,
    luma,
    noise,
    resize,
)
from difface_cli.degradations.recipes import RECIPES, Ranges, Recipe, celeba_test, training
from difface_cli.degradations.wild import Wild, wild

__all__ = [
    "PAPER_KERNEL",
    "PAPER_SIZE",
    "RECIPES",
    "RESAMPLES",
    "Degradation",
    "OldPhoto",
    "Ranges",
    "Recipe",
    "Wild",
    "batch",
    "blur",
    "celeba_test",
    "gaussian_kernel",
    "jpeg",
    "luma",
    "noise",
    "resize",
    "training",
    "wild",
]
