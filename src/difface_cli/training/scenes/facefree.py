"""Material without a face, most of it from the portraits themselves."""

from __future__ import annotations

import math

import cv2
import numpy as np

from difface_cli.faces.resample import Array
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.chance import chance, feathered, resized, toned
from difface_cli.training.scenes.textures import texture

SMALLEST = 24  # pixels of a crop's side
Mask = Array  # h×w float32 in [0, 1]


def material(rng: np.random.Generator, portrait: Portrait, height: int, width: int) -> Array:
    """h×w×3 without a face: beside it, where it was, or a texture."""
    kind = rng.random()
    if kind < 0.35:
        part = beside(rng, portrait)
    elif kind < 0.65:
        part = _window(rng, erased(rng, portrait), 0.6)
    else:
        part = texture(rng, height, width)
    part = resized(part, height, width)
    if chance(rng, 0.5):
        part = part[:, ::-1]
    if chance(rng, 0.1):
        part = part[::-1]
    return toned(part, rng) if chance(rng, 0.7) else np.ascontiguousarray(part)


def sides(portrait: Portrait) -> list[Array]:
    """What is below, left of, right of and above the face's box, where there is enough."""
    x0, y0, x1, y1 = (int(v) for v in np.round(portrait.box))
    pixels = portrait.pixels
    parts = [pixels[max(0, y1) :], pixels[:, : max(0, x0)], pixels[:, max(0, x1) :],
             pixels[: max(0, y0)]]  # fmt: skip
    return [part for part in parts if min(part.shape[:2]) >= SMALLEST]


def beside(rng: np.random.Generator, portrait: Portrait) -> Array:
    """A crop that does not touch the face's box, often of what is below it."""
    parts = sides(portrait)
    if not parts:
        return texture(rng, 64, 64)
    place = 0 if chance(rng, 0.4) else int(rng.integers(len(parts)))
    return _window(rng, parts[place], 0.4)


def erased(rng: np.random.Generator, portrait: Portrait) -> Array:
    """The whole portrait with something else in the place of the face."""
    pixels = portrait.pixels.copy()
    height, width = pixels.shape[:2]
    grow = np.array([-portrait.width, -portrait.height, portrait.width, portrait.height]) * 0.06
    limits = [width, height, width, height]
    x0, y0, x1, y1 = (int(v) for v in np.clip(portrait.box + grow, 0, limits))
    h, w = y1 - y0, x1 - x0
    if min(h, w) < 8:
        return texture(rng, height, width)
    face = pixels[y0:y1, x0:x1]
    kind = int(rng.integers(5))
    if kind == 0:
        new = _shuffled(rng, face)
    elif kind == 1:
        new = resized(_cheek(rng, face), h, w)
    elif kind == 2:
        new = texture(rng, h, w)
    elif kind == 3:
        new = resized(beside(rng, portrait), h, w)
    else:
        new = _bridged(face)
    mask = feathered(_shape(h, w, 0.94, oval=chance(rng, 0.7)), w / 8)[..., None]
    pixels[y0:y1, x0:x1] = face + (new.astype(np.float32) - face) * mask
    return pixels


def face_part(rng: np.random.Generator, portrait: Portrait, height: int, width: int) -> Array:
    """One eye, the nose, the mouth or a cheek, enlarged: not a face."""
    half = portrait.width * rng.uniform(0.11, 0.21)
    if chance(rng, 0.75):
        centre = portrait.landmarks[rng.integers(5)] + rng.normal(0, 0.06, 2) * portrait.width
    else:
        centre = rng.uniform(portrait.box[:2], portrait.box[2:])
    reach = half * np.array([1, rng.uniform(0.7, 1.4)])
    limit = portrait.pixels.shape[1::-1]
    (x0, y0), (x1, y1) = (np.clip(centre + s * reach, 0, limit).astype(int) for s in (-1, 1))
    if min(x1 - x0, y1 - y0) < 6:
        return texture(rng, height, width)
    part = resized(portrait.pixels[y0:y1, x0:x1], height, width)
    return toned(np.rot90(part, 2) if chance(rng, 0.2) else part, rng, 0.7)


def hand(
    rng: np.random.Generator, portrait: Portrait, height: int, width: int
) -> tuple[Array, Mask]:
    """Fingers of the sitter's skin colour with dark gaps, and where they are."""
    skin = _skin(portrait)
    side = min(height, width)
    thick = max(2, int(side * rng.uniform(0.12, 0.3)))
    angle = rng.uniform(0, math.pi)
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    centre = np.array([width, height]) / 2
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = skin * rng.uniform(0.3, 0.8)
    mask = np.zeros((height, width), np.float32)
    if chance(rng, 0.7):
        radius = int(side * rng.uniform(0.2, 0.4))
        at = _point(centre + along * radius * rng.uniform(0.3, 1))
        cv2.circle(picture, at, radius, tuple(skin.tolist()), cv2.FILLED)
        cv2.circle(mask, at, radius, 1, cv2.FILLED)
    fingers = int(rng.integers(2, 6))
    for i in range(fingers):
        root = centre + across * (i - (fingers - 1) / 2) * thick * rng.uniform(0.95, 1.15)
        ends = (
            _point(root - along * side * rng.uniform(0.15, 0.5)),
            _point(root + along * side * rng.uniform(0.1, 0.4)),
        )
        cv2.line(mask, *ends, 1, thick)
        light = rng.uniform(0.85, 1.15)
        for part, shade in ((1, 0.6), (0.75, 0.85), (0.4, 1.05)):  # round: darker at the edge
            paint = tuple((skin * shade * light).tolist())
            cv2.line(picture, *ends, paint, max(1, int(thick * part)))
    blurred = cv2.blur(picture.clip(0, 255).astype(np.uint8), (max(1, thick // 4),) * 2)
    return toned(blurred, rng, 0.5), feathered(mask, thick / 3)


def soft_mask(rng: np.random.Generator, height: int, width: int) -> Mask:
    """A rectangle or an ellipse with a more or less soft edge."""
    edge = min(height, width) * rng.uniform(0.02, 0.25)
    return feathered(_shape(height, width, 1 - edge / min(height, width), chance(rng, 0.5)), edge)


def _shape(height: int, width: int, share: float, oval: bool) -> Mask:
    """A filled ellipse or rectangle in the middle, `share` of each side."""
    mask = np.zeros((height, width), np.float32)
    if oval:
        axes = (max(1, int(width * share / 2)), max(1, int(height * share / 2)))
        cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1, cv2.FILLED)
    else:
        y, x = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
        mask[y : height - y, x : width - x] = 1
    return mask


def _window(rng: np.random.Generator, pixels: Array, least: float) -> Array:
    """A crop of at least this share of each side."""
    height, width = (max(1, int(n * rng.uniform(least, 1))) for n in pixels.shape[:2])
    y = int(rng.integers(pixels.shape[0] - height + 1))
    x = int(rng.integers(pixels.shape[1] - width + 1))
    return pixels[y : y + height, x : x + width]


def _shuffled(rng: np.random.Generator, face: Array) -> Array:
    """Tiles of the face in another order."""
    n = int(rng.integers(4, 8))
    side = 16
    tiles = resized(face, n * side, n * side).reshape(n, side, n, side, 3).swapaxes(1, 2)
    mixed = rng.permutation(tiles.reshape(n * n, side, side, 3))
    whole = mixed.reshape(n, n, side, side, 3).swapaxes(1, 2).reshape(n * side, n * side, 3)
    return resized(whole, *face.shape[:2])


def _cheek(rng: np.random.Generator, face: Array) -> Array:
    """A small piece of skin."""
    height, width = face.shape[:2]
    y, x = int(height * rng.uniform(0.5, 0.65)), int(width * rng.uniform(0.08, 0.2))
    return face[y : y + max(2, height // 8), x : x + max(2, width // 8)]


def _bridged(face: Array) -> Array:
    """From the left edge's colours over to the right edge's."""
    left, right = (part.mean(axis=1, keepdims=True) for part in (face[:, :3], face[:, -3:]))
    share = np.linspace(0, 1, face.shape[1])[None, :, None]
    bridge = (left + (right - left) * share).astype(np.uint8)
    return np.asarray(cv2.blur(bridge, (3, max(3, face.shape[0] // 8))))


def _skin(portrait: Portrait) -> Array:
    """The colour of the cheek, (3,) float."""
    at = (portrait.landmarks[0] + portrait.landmarks[3]) / 2
    x, y = (int(v) for v in np.clip(at, 4, np.array(portrait.pixels.shape[1::-1]) - 5))
    patch = portrait.pixels[max(0, y - 4) : y + 4, max(0, x - 4) : x + 4]
    return np.asarray(patch.reshape(-1, 3).mean(axis=0))


def _point(at: Array) -> tuple[int, int]:
    return int(at[0]), int(at[1])
