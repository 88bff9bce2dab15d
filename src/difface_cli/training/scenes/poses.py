"""How a face stands in a scene: an affine map, and before it a turn of the head."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from difface_cli.faces.resample import Floats, Matrix, apply
from difface_cli.training.recipe import Scenes
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance

MIRRORED = [1, 0, 2, 4, 3]  # the landmarks' order in a mirrored face
HEAD = 0.62  # radius of the cylinder that stands for a head, in widths of the face
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


def turned(portrait: Portrait, degrees: float) -> Portrait:
    """The head turned to the side, as if its front were a cylinder with the portrait on it.

    What the portrait does not show, the side of the head, is drawn out from its edge. Nearer to
    a half profile than to the truth; noses stay flat.

    Args:
        degrees: to the right as seen, -60 to 60.
    """
    yaw = math.radians(degrees)
    radius = HEAD * portrait.width
    centre = float(portrait.box[0] + portrait.box[2]) / 2
    height, width = portrait.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u = (x - centre) / radius
    angle = np.clip(np.arcsin(np.clip(u, -1, 1)) - yaw, -math.pi / 2, math.pi / 2)
    moved = np.where(np.abs(u) < 1, np.sin(angle) * radius + centre - x, 0)
    top, bottom = portrait.box[1] - 0.35 * portrait.height, portrait.box[3]
    inside = np.clip(np.minimum(y - top, bottom - y) / (0.15 * portrait.height) + 1, 0, 1)
    lookup = (x + moved * inside).astype(np.float32)
    pixels = cv2.remap(portrait.pixels, lookup, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def forward(at: Floats) -> Floats:
        angles = np.arcsin(np.clip((at - centre) / radius, -1, 1)) + yaw
        seen: Floats = np.sin(np.clip(angles, -math.pi / 2, math.pi / 2)) * radius + centre
        return seen

    landmarks, box = portrait.landmarks.copy(), portrait.box.copy()
    landmarks[:, 0] = forward(landmarks[:, 0])
    sides = forward(box[[0, 2]])
    near = 0 if degrees > 0 else 1  # the side that comes forward shows hair and ear beside it
    sides[near] = (sides[near] + box[2 * near]) / 2
    box[[0, 2]] = sides
    return Portrait(pixels, box, landmarks)
