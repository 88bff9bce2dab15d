"""Whole scenes: nobody, one person, a crowd, or people and things anyhow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from difface_cli.faces.resample import Array, Floats
from difface_cli.training.recipe import Scenes
from difface_cli.training.scenes import creatures, heads, poses
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance, log_uniform
from difface_cli.training.scenes.facefree import face_part, hand, material, soft_mask
from difface_cli.training.scenes.pasting import Canvas, Pasted
from difface_cli.training.scenes.wear import worn

MOST = 16  # faces in a crowd
SMALLEST = 12.0  # pixels, of a face

FACE, BOX_ONLY, UNSURE = 1, 2, -1
"""What is to be learned of a face: all, all but its landmarks (they are cut off), nothing."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its faces.

    Attributes:
        pixels: s×s×3 uint8 RGB.
        boxes: n×4 float32, cut at the picture's edges.
        landmarks: n×5×2 float32.
        kinds: n, of `FACE`, `BOX_ONLY` and `UNSURE`.
    """

    pixels: Array
    boxes: Floats
    landmarks: Floats
    kinds: Array


@dataclass(frozen=True)
class Cast:
    """Who can appear.

    Attributes:
        draw: any portrait.
        scenes: see `recipe.Scenes`.
        mirror, gray: shares, see `recipe.Data`.
    """

    draw: Callable[[np.random.Generator], Portrait]
    scenes: Scenes
    mirror: float
    gray: float


def scene(rng: np.random.Generator, cast: Cast, size: int) -> Scene:
    """A scene of size×size pixels."""
    canvas = Canvas(material(rng, cast.draw(rng), size, size))
    kind = rng.random()
    if kind < 0.07:
        _distract(canvas, rng, cast, int(rng.integers(2, 9)))
    elif kind < 0.4:
        _one(canvas, rng, cast)
    elif kind < 0.6:
        _crowd(canvas, rng, cast)
    else:
        _anyhow(canvas, rng, cast)
    largest = max((face.size for face in canvas.faces), default=0.0)
    heavy = chance(rng, cast.scenes.worn)
    pixels, loss = worn(canvas.pixels, rng, largest=largest, heavy=heavy, gray=cast.gray)
    return _told(pixels, canvas.faces, loss)


def _one(canvas: Canvas, rng: np.random.Generator, cast: Cast) -> None:
    """One large face, often a whole portrait."""
    if chance(rng, 0.5):
        _distract(canvas, rng, cast, int(rng.integers(0, 4)))
    size = log_uniform(rng, canvas.side / 4, canvas.side * 1.03)
    spread = max(8, (canvas.side - size) / 5)
    centre = canvas.side / 2 + rng.normal(0, spread, 2)
    _paste(canvas, rng, cast, size, (centre[0], centre[1]), whole=chance(rng, 0.75))
    if chance(rng, 0.15):
        _distract(canvas, rng, cast, 1)


def _crowd(canvas: Canvas, rng: np.random.Generator, cast: Cast) -> None:
    """Rows of faces of about one size, the front row last."""
    _distract(canvas, rng, cast, int(rng.integers(0, 6)))
    size = log_uniform(rng, SMALLEST, canvas.side / 5)
    for centre in _rows(rng, size, canvas.side):
        about = size * math.exp(rng.normal(0, 0.1))
        _paste(canvas, rng, cast, about, centre, whole=chance(rng, 0.3))
        if len(canvas.faces) >= MOST:
            return


def _rows(rng: np.random.Generator, size: float, side: int) -> Iterator[tuple[float, float]]:
    across, down = size * rng.uniform(1.25, 2.6), size * rng.uniform(1.5, 3)
    y = rng.uniform(0.3, 1.2) * down
    while y < side:
        x = rng.uniform(0, 1) * across
        while x < side:
            if chance(rng, 0.65):
                yield x + rng.normal(0, 0.15) * size, y + rng.normal(0, 0.25) * size
            x += across
        y += down


def _anyhow(canvas: Canvas, rng: np.random.Generator, cast: Cast) -> None:
    """Faces of any sizes where there is room, the large ones mostly first."""
    _distract(canvas, rng, cast, int(rng.integers(0, 7)))
    count = int(rng.integers(1, 10))
    largest = canvas.side * (0.7 if count < 5 else 0.3)
    sizes = sorted(log_uniform(rng, SMALLEST, largest) for _ in range(count))
    for size in sizes if chance(rng, 0.3) else reversed(sizes):
        for _ in range(8):
            centre = rng.uniform(0, canvas.side, 2)
            if all(
                max(abs(centre - face.centre) / (1, 1.2)) > (size + face.size) / 2
                for face in canvas.faces
            ):
                whole = chance(rng, 0.2)
                _paste(canvas, rng, cast, size, (centre[0], centre[1]), whole=whole)
                break
    if chance(rng, 0.3):
        _distract(canvas, rng, cast, int(rng.integers(0, 2)))


def _paste(
    canvas: Canvas,
    rng: np.random.Generator,
    cast: Cast,
    size: float,
    centre: tuple[float, float],
    *,
    whole: bool,
) -> None:
    """Any portrait, its face `size` pixels wide."""
    portrait = cast.draw(rng)
    if chance(rng, cast.scenes.turned):
        portrait = heads.turned(portrait, rng.uniform(-cast.scenes.turn, cast.scenes.turn))
    pose = poses.draw(rng, size / portrait.width, cast.scenes, cast.mirror)
    canvas.paste(rng, portrait, pose, centre, whole=whole, other=cast.draw(rng))


def _distract(canvas: Canvas, rng: np.random.Generator, cast: Cast, count: int) -> None:
    """Things that are no face, some of them nearly one."""
    for _ in range(count):
        width, height = (
            int(log_uniform(rng, min(14, canvas.side / 2), canvas.side * 0.47)) for _ in range(2)
        )
        x, y = (
            int(rng.integers(canvas.side - width + 1)),
            int(rng.integers(canvas.side - height + 1)),
        )
        kind, portrait = rng.random(), cast.draw(rng)
        mask = soft_mask(rng, height, width)
        if kind < 0.2:
            patch = face_part(rng, portrait, height, width)
        elif kind < 0.42:
            patch, mask = hand(rng, portrait, height, width)
        elif kind < 0.42 + cast.scenes.creatures and min(height, width) >= creatures.SMALLEST:
            patch, mask = creatures.creature(rng, height, width)
        else:
            patch = material(rng, portrait, height, width)
        canvas.blend(patch, mask, x, y)


def _told(pixels: Array, faces: list[Pasted], loss: float) -> Scene:
    """What is to be learned of each face, by how much of it there is to see."""
    side = pixels.shape[0]
    boxes, landmarks, kinds = [], [], []
    for face in faces:
        cut = face.box.clip(0, side)
        seen = float(np.prod(cut[2:] - cut[:2]) / np.prod(face.box[2:] - face.box[:2]))
        if seen < 0.12 or face.hidden > 0.92:
            continue
        sure = seen > 0.55 and face.hidden < 0.42 and face.size >= 10 and face.size / loss >= 5.0
        boxes.append(cut)
        landmarks.append(face.landmarks)
        kinds.append(UNSURE if not sure else FACE if seen > 0.8 else BOX_ONLY)
    return Scene(
        pixels,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(landmarks, np.float32).reshape(-1, 5, 2),
        np.array(kinds, np.int64),
    )
