"""The first stage: find the faces of a photo and cut them out upright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from difface_cli import images
from difface_cli.base.errors import FaceError, ImageError
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces import align, paste, pose
from difface_cli.faces.detect import Face
from difface_cli.faces.resample import compose, translation
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.models import Ready
from difface_cli.tasks.batches import memory_errors
from difface_cli.tasks.options import Options, choose
from difface_cli.tasks.results import Clock, Cut, Found, Matrix, Prepared, Scene
from difface_cli.tasks.task import Task
from difface_cli.trust import gate

Seeds = Mapping[int, tuple[int, ...]]


@memory_errors()
def prepare(
    scene: Scene,
    ready: Ready,
    task: Task,
    options: Options,
    progress: Progress | None = None,
    seeds: Seeds | None = None,
) -> Prepared:
    """Find the faces of a photo and cut out those that are to be drawn.

    Args:
        seeds: index → those of the face's noise, where they are known from a record; else they
            follow from the options, the photo's file, and the face's place among the others.

    Raises:
        FaceError: for a face that is not there.
        ImageError: for a picture that is said to be aligned and is not square.
    """
    clock = Clock()
    with clock("detect"):
        (progress or NoProgress()).stage("finding faces")
        found = () if scene.idle else find(scene.view, ready, task, options)
    cuts: dict[int, Cut] = {}
    with clock("align"):
        ranks = _ranks(found)
        size = ready.model.image_size
        decided = []
        for face in found:
            cut = None if face.skipped else _cut(scene, face, size, task, options)
            if isinstance(cut, Cut):
                cuts[face.index] = cut
                known = seeds_of(options, scene.sha256, ranks[face.index])
                face = replace(face, seeds=(seeds or {}).get(face.index, known))
            elif cut:
                face = replace(face, skipped=cut)
            decided.append(face)
    return Prepared(scene, tuple(decided), cuts, clock.seconds)


def find(photo: Photo, ready: Ready, task: Task, options: Options) -> tuple[Found, ...]:
    """The photo's faces, with those left out marked.

    Raises:
        FaceError: when a face was asked for by an index that is not there.
    """
    if options.aligned:
        return (Found(0, _whole(photo, task)),)
    if options.by_hand:
        return tuple(Found(index, face) for index, face in enumerate(options.by_hand))
    if ready.detector is None:
        raise ValueError("the model was loaded without its detector")
    faces = ready.detector(images.rgb8(photo))
    chosen = choose(faces, options.faces, photo.width, photo.height)
    return tuple(
        _decided(photo, Found(index, face), index in chosen, ready.model.image_size, options)
        for index, face in enumerate(faces)
    )


def matrix(photo: Photo, face: Face, size: int, options: Options) -> Matrix:
    """The 2×3 matrix from photo to aligned face. An aligned picture lies in a square's middle."""
    if not options.aligned:
        return align.similarity(face.landmarks, size)
    side = max(photo.width, photo.height)
    scaled = align.scale_matrix(np.eye(2, 3), side / size)
    if photo.width == photo.height:
        return scaled
    return compose(scaled, translation((side - photo.width) // 2, (side - photo.height) // 2))


def seeds_of(options: Options, sha256: str, rank: int) -> tuple[int, ...]:
    """The seeds of a face's noise, one for each time it is drawn."""
    return tuple(difface.noise_seed(options.seed, sha256, rank, k) for k in range(options.drawn))


def rank_of(faces: Sequence[Found], index: int) -> int:
    """The place of a face among all that were found, from top left to bottom right.

    Unlike its index, it does not follow from which of two faces is a little larger.
    """
    return _ranks(faces)[index]


def _ranks(faces: Sequence[Found]) -> dict[int, int]:
    def place(found: Found) -> tuple[int, ...]:
        x0, y0, x1, y1 = found.face.box
        x, y = round((x0 + x1) / 2), round((y0 + y1) / 2)  # last bits do not count
        return x + y, y, x, found.index

    return {found.index: rank for rank, found in enumerate(sorted(faces, key=place))}


def _cut(scene: Scene, found: Found, size: int, task: Task, options: Options) -> Cut | str:
    """The face cut out, or why it is left alone after all."""
    try:
        cut = task.cut(scene, matrix(scene.view, found.face, size, options), size)
    except FaceError as error:  # one bad face harms no other
        return error.message
    return task.needless(cut) or cut


def _decided(photo: Photo, found: Found, chosen: bool, size: int, options: Options) -> Found:
    """The face with why it is left alone, as far as that is known before it is drawn."""
    if not chosen:
        return replace(found, skipped="not chosen")
    width = found.face.width
    if width < options.min_face:
        small = f"{width:.0f} px wide, smaller than --min-face {options.min_face:g}"
        return replace(found, skipped=small)
    if options.gate == gate.OFF:
        return found
    try:
        upright = matrix(photo, found.face, size, options)
    except FaceError as error:
        return replace(found, skipped=error.message)
    share = pose.inside(upright, photo.width, photo.height, paste.face_mask(size))
    return doubted(found, gate.before(pose.turn(found.face.landmarks), share), options)


def doubted(found: Found, reason: str, options: Options) -> Found:
    """The face with what speaks against restoring it, left alone unless it is forced."""
    if not reason or options.gate == gate.OFF:
        return found
    if options.gate == gate.FORCE:
        return replace(found, doubt=reason)
    return replace(found, skipped=reason)


def _whole(photo: Photo, task: Task) -> Face:
    """The face that an aligned picture is."""
    if photo.width != photo.height and not task.any_shape:
        raise ImageError(
            f"An aligned face is square, and this picture is {photo.width}x{photo.height}.",
            "Leave --aligned out to have its faces found.",
        )
    side = max(photo.width, photo.height)
    corner = (photo.width - side) // 2, (photo.height - side) // 2
    template = (align.FFHQ_TEMPLATE_512 + 0.5) * side / 512 - 0.5 + corner
    return Face((0.0, 0.0, float(photo.width), float(photo.height)), template, 1.0)
