"""Whether a filled hole can be told by its border."""

from __future__ import annotations

import numpy as np

from difface_cli.metrics.fidelity import LEVELS, Floats


def jump(picture: Floats, mask: Floats) -> float:
    """The mean absolute difference of neighbours on either side of a hole's border, of 255.

    Args:
        picture: h×w×c in [0, 1].
        mask: h×w, more than a half inside the holes.

    Raises:
        ValueError: when the mask has no border: nothing is a hole, or everything.
    """
    inside = mask > 0.5
    across = []
    for axis in (0, 1):
        border = np.diff(inside, axis=axis)
        across.append(np.abs(np.diff(picture, axis=axis)).mean(axis=2)[border])
    jumps = np.concatenate(across)
    if not jumps.size:
        raise ValueError("the mask has no border")
    return LEVELS * float(jumps.mean())


def seam(filled: Floats, truth: Floats, mask: Floats) -> float:
    """The jump across the holes' border as a multiple of the truth's own there: 1 is no seam.

    A truth that does not change across the border counts as changing by a hundredth of a level.

    Args:
        filled, truth: h×w×c in [0, 1].
        mask: see `jump`.
    """
    return jump(filled, mask) / max(jump(truth, mask), 0.01)
