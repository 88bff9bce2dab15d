"""The first stage: find the faces of a photo and cut them out upright."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch

from difface_cli import images
from difface_cli.base.errors import ImageError
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces import align
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.models import Ready
from difface_cli.tasks.batches import memory_errors
from difface_cli.tasks.judging import doubted, standing
from difface_cli.tasks.options import Options, choose
from difface_cli.tasks.records import Array, Clock, Found, Matrix, Prepared
from difface_cli.trust import gate


@memory_errors()
def prepare(
    photo: Photo, ready: Ready, options: Options, progress: Progress | None = None
) -> Prepared:
    """Find the faces of a photo and cut out those that are to be restored.

    Raises:
        FaceError: for a face that is not there.
        ImageError: for a picture that is said to be aligned and is not square.
    """
    clock = Clock()
    with clock("detect"):
        (progress or NoProgress()).stage("finding faces")
        found = find(photo, ready, options)
    with clock("align"):
        crops = cut(photo, found, ready.model.image_size, options)
        seeds = {index: seeds_of(crop, options) for index, crop in crops.items()}
    found = tuple(replace(f, seeds=seeds.get(f.index, ())) for f in found)
    return Prepared(photo, found, crops, clock.seconds)


def find(photo: Photo, ready: Ready, options: Options) -> tuple[Found, ...]:
    """The photo's faces, with those left out marked.

    Raises:
        FaceError: when a face was asked for by an index that is not there.
    """
    if options.aligned:
        return (Found(0, _whole(photo)),)
    if ready.detector is None:
        raise ValueError("the model was loaded without its detector")
    faces = ready.detector(images.rgb8(photo))
    chosen = choose(faces, options.faces, photo.width, photo.height)
    return tuple(
        _decided(photo, Found(index, face), index in chosen, ready.model.image_size, options)
        for index, face in enumerate(faces)
    )


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
    upright = matrix(photo, found.face, size, options)
    return doubted(found, standing(found, upright, photo.width, photo.height, size), options)


def cut(photo: Photo, found: Iterable[Found], size: int, options: Options) -> dict[int, Array]:
    """The faces that are restored, upright: index → size×size×3 in [0, 1]."""
    return {
        f.index: align.crop(photo.pixels, matrix(photo, f.face, size, options), size)
        for f in found
        if not f.skipped
    }


def seeds_of(crop: Array, options: Options) -> tuple[int, ...]:
    """The seeds of a face's noise, one for each time it is drawn."""
    face = torch.from_numpy(crop).permute(2, 0, 1)
    return tuple(difface.face_seed(options.seed, face, k) for k in range(options.drawn))


def matrix(photo: Photo, face: Face, size: int, options: Options) -> Matrix:
    """The 2×3 matrix from photo to aligned face."""
    if options.aligned:
        return align.scale_matrix(np.eye(2, 3), photo.width / size)
    return align.similarity(face.landmarks, size)


def _whole(photo: Photo) -> Face:
    if photo.width != photo.height:
        raise ImageError(
            f"An aligned face is square, and this picture is {photo.width}x{photo.height}.",
            "Leave --aligned out to have its faces found.",
        )
    box = (0.0, 0.0, float(photo.width), float(photo.height))
    template = (align.FFHQ_TEMPLATE_512 + 0.5) * photo.width / 512 - 0.5
    return Face(box, template, 1.0)
