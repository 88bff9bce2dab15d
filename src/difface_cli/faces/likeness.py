"""How alike faces are: a drawn one to the face found, or to other photos of the person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from difface_cli.faces import identity
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


@dataclass(frozen=True, eq=False)
class Recognition:
    """How far faces are from each other to dlib's network.

    Attributes:
        network: see `identity.build_dlib`.
        references: descriptions of the person in other photos.
        sources: these photos, as path and sha256.
    """

    network: nn.Module
    references: tuple[Floats, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()

    def describe(self, face: Floats) -> Floats:
        """128 numbers of an aligned face, s×s×3 in [0, 1]."""
        return identity.describe(self.network, _bytes(face))

    def distance(self, one: Floats, other: Floats) -> float:
        """Euclidean, from 0; see `identity.SAME_PERSON` and `trust.alike`.

        Args:
            one, other: s×s×3 in [0, 1], aligned.
        """
        return float(np.linalg.norm(self.describe(one) - self.describe(other)))

    def misfit(self, faces: Tensor) -> Tensor:
        """The mean distance to the references, (b,), differentiable.

        Args:
            faces: b×3×s×s in [-1, 1], aligned.
        """
        persons = torch.from_numpy(np.stack(self.references)).to(faces)
        described = self.network(identity.chip((faces + 1) * 127.5))
        return torch.cdist(described, persons).mean(1)


def _bytes(face: Floats) -> npt.NDArray[np.uint8]:
    return np.asarray((face.clip(0, 1) * 255).round(), np.uint8)
