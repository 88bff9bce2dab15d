"""Heads turned to the side: a portrait laid on a simple form of a head, which is turned.

The form is a cylinder with a nose on it. Nearer to a half profile than to the truth, but the nose
moves off the middle of the face as far as a real one does, which is how a turn is told.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.faces.looks import MIRRORED
from difface_cli.faces.resample import Floats
from difface_cli.training.scenes.album import Portrait

# In widths of the face (13 cm).
HEAD = 0.62  # radius of the cylinder
NOSE = 0.16  # how far the tip stands out
NOSTRILS = 0.08  # half the width of the nose at its tip, as a Gaussian's standard deviation
UPPER_LIP = 0.35  # below the tip the nose ends within that part of its length


def turned(portrait: Portrait, degrees: float) -> Portrait:
    """The head turned to the side.

    What the portrait does not show, the side of the head, is drawn out from its edge.

    Args:
        degrees: to the right as seen, -60 to 60.
    """
    if degrees < 0:
        return _mirrored(turned(_mirrored(portrait), -degrees))
    yaw = math.radians(degrees)
    height, width = portrait.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    top, bottom = portrait.box[1] - 0.35 * portrait.height, portrait.box[3]
    inside = np.clip(np.minimum(y - top, bottom - y) / (0.15 * portrait.height) + 1, 0, 1)
    lookup = (x + (_lookup(portrait, yaw) - x) * inside).astype(np.float32)
    pixels = cv2.remap(portrait.pixels, lookup, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    landmarks, box = portrait.landmarks.copy(), portrait.box.copy()
    depth = np.array([0, 0, NOSE * portrait.width, 0, 0], np.float32)
    landmarks[:, 0] = _moved(portrait, landmarks[:, 0], depth, yaw)
    sides = _moved(portrait, box[[0, 2]], np.zeros(2, np.float32), yaw)
    sides[0] = (sides[0] + box[0]) / 2  # the side that comes forward shows hair and ear beside it
    box[[0, 2]] = sides
    return Portrait(pixels, box, landmarks)


def _moved(portrait: Portrait, x: Floats, depth: Floats, yaw: float) -> Floats:
    """Where points of the cylinder come to lie, and others by `depth` before it, in x."""
    centre, radius = _cylinder(portrait)
    angle = np.arcsin(np.clip((x - centre) / radius, -1, 1))
    at = radius * np.sin(np.minimum(angle + yaw, math.pi / 2)) + depth * math.sin(yaw)
    moved: Floats = centre + at
    return moved


def _lookup(portrait: Portrait, yaw: float) -> Floats:
    """Of which x of the portrait each pixel of the turned head is, yaw 0 to π/2; h×w."""
    centre, radius = _cylinder(portrait)
    height, width = portrait.pixels.shape[:2]
    x = np.arange(width, dtype=np.float32)
    front = x[np.abs(x - centre) < radius]
    places = np.broadcast_to(front, (height, len(front)))
    moved = _moved(portrait, places, _nose(portrait, front, height), yaw)
    # What a point further left already covers, as the cheek behind the nose, is not seen.
    seen = np.maximum.accumulate(moved, axis=1)
    lookup = np.stack([np.interp(x, row, front) for row in seen])
    return np.where((x < centre - radius) | (x > seen[:, -1:]), x, lookup)


def _nose(portrait: Portrait, x: Floats, height: int) -> Floats:
    """How far the nose stands out at these columns of the portrait; height×len(x), pixels."""
    root, tip = portrait.landmarks[:2].mean(axis=0), portrait.landmarks[2]
    length = max(float(tip[1] - root[1]), 1.0)
    down = ((np.arange(height) - root[1]) / length)[:, None]  # 0 between the eyes, 1 at the tip
    profile = np.clip(np.minimum(down, 1 - (down - 1) / UPPER_LIP), 0, 1)
    ridge = root[0] + (tip[0] - root[0]) * np.clip(down, 0, 1)
    breadth = NOSTRILS * portrait.width * (1 + np.clip(down, 0, 1)) / 2
    out: Floats = NOSE * portrait.width * profile * np.exp(-(((x - ridge) / breadth) ** 2) / 2)
    return out


def _cylinder(portrait: Portrait) -> tuple[float, float]:
    """Middle in x, and radius, pixels."""
    return float(portrait.box[0] + portrait.box[2]) / 2, HEAD * portrait.width


def _mirrored(portrait: Portrait) -> Portrait:
    """Left and right exchanged, the landmarks' names as well."""
    last = portrait.pixels.shape[1] - 1
    box, landmarks = portrait.box[[2, 1, 0, 3]], portrait.landmarks[MIRRORED]
    box[::2], landmarks[:, 0] = last - box[::2], last - landmarks[:, 0]
    return Portrait(np.ascontiguousarray(portrait.pixels[:, ::-1]), box, landmarks)
