"""Where the chain of a colourisation starts: a grey face with a coarse tint.

Diffused to N without any, a grey face stays grey, with a twelfth of its true chroma
(`benchmarks/colorize.py`): the prior saw grey portraits, and at the last timestep it was trained
for, the lack of colour over a whole face still shows through the noise.

So the face is given the colour that faces have, and what is around it a colour between blue and
tan; the prior puts colours in their places from there. The numbers are those of the portraits that
the starter was trained on (`starter/README.md`), strengthened, as the prior pulls towards grey.
"""

from __future__ import annotations

import numpy as np

from difface_cli.faces.paste import face_mask
from difface_cli.faces.resample import Floats
from difface_cli.images import luma, recoloured

# Chroma at middle grey, RGB; it shrinks to 0 at black and at white.
FACE = np.array([0.147, -0.050, -0.130], np.float32)  # mean of the portraits' ovals
AROUND = np.array([-0.060, 0.015, 0.075], np.float32)  # one deviation of what is around them
STRENGTH = 1.7
NARROW = 3  # so that no skin is drawn beside a narrow face
AROUND_MEAN, AROUND_SPREAD = 0.4, 0.7  # in deviations: blue rather than tan


def tinted(gray: Floats, seed: int) -> Floats:
    """An aligned grey face, tinted; its luma is kept.

    Args:
        gray: s×s×1 in [0, 1].
        seed: draws the colour around the face.

    Returns:
        s×s×3 in [0, 1].
    """
    oval = face_mask(gray.shape[0])[..., None] ** NARROW
    draw = np.float32(AROUND_MEAN + AROUND_SPREAD * np.random.default_rng(seed).standard_normal())
    chroma: Floats = STRENGTH * oval * FACE + (1 - oval) * draw * AROUND
    chroma -= luma(chroma)
    return recoloured(gray, 4 * gray * (1 - gray) * chroma)
