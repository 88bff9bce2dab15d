"""How a face stands in a scene: an affine map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from difface_cli.faces.looks import MIRRORED
from difface_cli.faces.resample import Matrix, apply
from difface_cli.training.recipe import Scenes
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance

USUAL_TILT = 9.0  # degrees, standard deviation


@dataclass(frozen=True)
class Pose:
    """A linear map of a portrait about the middle of its face.

    Attributes:
        scale: pixels of the scene for one of the portrait.
        tilt: degrees, clockwise as seen.
        aspect: how much wider, and as much lower, the face becomes.
        shear: of x by y.
        mirror: whether left and right change places.
    """

    scale: float
    tilt: float = 0.0
    aspect: float = 1.0
    shear: float = 0.0
    mirror: bool = False

    def linear(self) -> Matrix:
        """2×2."""
        angle = math.radians(self.tilt)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        flip = -1.0 if self.mirror else 1.0
        form = np.array([[self.aspect * flip, self.shear], [0.0, 1 / self.aspect]])
        return np.asarray(self.scale * turn @ form)

    def matrix(self, portrait: Portrait, centre: tuple[float, float]) -> Matrix:
        """2×3 from the portrait to a scene, the face's middle at `centre`."""
        linear = self.linear()
        middle = (portrait.box[:2] + portrait.box[2:]) / 2
        return np.column_stack([linear, np.array(centre) - linear @ middle])

    def marks(self, portrait: Portrait, centre: tuple[float, float]) -> tuple[Matrix, Matrix]:
        """Box (4,) and landmarks (5×2) in the scene.

        The box is that of the ellipse in the portrait's box: of a tilted face, and not of its
        tilted box.
        """
        half = np.hypot(*(self.linear() * (portrait.width / 2, portrait.height / 2)).T)
        landmarks = apply(self.matrix(portrait, centre), portrait.landmarks)
        if self.mirror:
            landmarks = landmarks[MIRRORED]
        return np.concatenate([np.array(centre) - half, np.array(centre) + half]), landmarks


def draw(rng: np.random.Generator, scale: float, scenes: Scenes, mirror: float) -> Pose:
    """A pose at about this scale; most faces are nearly upright.

    Args:
        mirror: share of the faces that are mirrored.
    """
    usual = float(np.clip(rng.normal(0, USUAL_TILT), -25, 25))
    far = chance(rng, scenes.tilted)
    return Pose(
        scale=scale,
        tilt=float(rng.uniform(-scenes.tilt, scenes.tilt)) if far else usual,
        aspect=math.exp(rng.normal(0, 0.05)),
        shear=float(rng.normal(0, scenes.shear)),
        mirror=chance(rng, mirror),
    )
