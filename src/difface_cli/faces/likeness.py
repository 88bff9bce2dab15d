"""How alike a drawn face is to a person: to the face found, or to other photos of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from difface_cli.faces.resample import Array

Floats = npt.NDArray[np.float32]
Embed = Callable[[Array], Floats]  # an aligned face, h×w×3 uint8, to a vector of length 1


@dataclass(frozen=True)
class Likeness:
    """Tells how alike faces are; call it with the face found and the face drawn.

    Attributes:
        embed: the network, see `identity.embed`.
        references: embeddings of the person in other photos; empty to compare with the face
            found.
        sources: these photos, as path and sha256.
    """

    embed: Embed
    references: tuple[Floats, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()

    def __call__(self, found: Floats, drawn: Floats) -> float:
        """Cosine of the angle between embeddings, -1 to 1, the mean over the references.

        Args:
            found, drawn: s×s×3 in [0, 1], aligned.
        """
        persons: Sequence[Floats] = self.references or (self.embed(_bytes(found)),)
        vector = self.embed(_bytes(drawn))
        return float(np.mean([vector @ person for person in persons]))


def _bytes(face: Floats) -> npt.NDArray[np.uint8]:
    return np.asarray((face.clip(0, 1) * 255).round(), np.uint8)
