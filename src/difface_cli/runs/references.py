"""Photos of one person: to choose the sample most like them, or to guide what is drawn."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from difface_cli import images, models
from difface_cli.base.errors import DifFaceError, FaceError, UsageError, WeightsMissing
from difface_cli.base.hashing import sha256
from difface_cli.faces import align
from difface_cli.faces.identity import describe
from difface_cli.faces.likeness import Embed, Floats, Likeness, Recognition
from difface_cli.images import Photo
from difface_cli.images.writing import SUFFIXES
from difface_cli.models import Ready
from difface_cli.weights.registry import Registry
from difface_cli.weights.store import fingerprint

log = logging.getLogger(__name__)
T = TypeVar("T", Likeness, Recognition)

SIZE = 256  # of the faces that are compared, pixels


def photos_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, by name.

    Raises:
        UsageError: when it is no folder, or holds none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Name the folder with the photos.")
    found = tuple(p for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES)
    if not found:
        raise UsageError(f"There is no photo in {folder}.", "Put photos of the person there.")
    return found


def equipped(registry: Registry, ready: Ready, photos: Sequence[Path]) -> Ready:
    """The model with what tells how alike faces are to a person.

    Args:
        photos: of the person, whose largest faces are meant; none to compare with the face found.

    Raises:
        WeightsMissing: when the network was not fetched.
        FaceError: when none of the photos shows a face.
    """
    ready = models.with_likeness(registry, ready)
    likeness = ready.likeness
    if not photos or likeness is None:
        return ready
    return replace(ready, likeness=_acquainted(likeness, likeness.embed, photos, ready))


def measuring(registry: Registry, ready: Ready) -> Ready:
    """The model with what tells likeness, where its network was fetched; else as it is.

    It only measures: no result follows from it, so its hash is not among the model's.
    """
    with suppress(WeightsMissing):
        ready = replace(models.with_likeness(registry, ready), hashes=ready.hashes)
    return ready


def guided(registry: Registry, ready: Ready, photos: Sequence[Path]) -> Ready:
    """The model with dlib's network, which knows the person of these photos.

    Raises:
        WeightsMissing: when the network is not installed.
        FaceError: when none of the photos shows a face.
    """
    ready = models.with_recognition(registry, ready)
    recognition = ready.recognition
    if recognition is None:
        raise ValueError("the model came without the network")
    known = _acquainted(recognition, partial(describe, recognition.network), photos, ready)
    hashes = {**ready.hashes, models.DLIB: fingerprint(registry.weights[models.DLIB])}
    return replace(ready, recognition=known, hashes=MappingProxyType(hashes))


def recognising(registry: Registry, ready: Ready) -> Ready:
    """The model with dlib's recognition network, where that is installed; else as it is.

    It only measures, as in `measuring`.
    """
    with suppress(WeightsMissing):
        ready = models.with_recognition(registry, ready)
    return ready


def _acquainted(one: T, embed: Embed, photos: Sequence[Path], ready: Ready) -> T:
    """What tells people apart, with the embedding of the largest face in each photo.

    Raises:
        FaceError: when none of the photos shows a face.
    """
    looks = [look for photo in photos if (look := _look(photo, ready, embed))]
    if not looks:
        raise FaceError(
            f"None of {len(photos)} reference photos shows a face.",
            "Give photos in which the person's face is large.",
        )
    return replace(
        one,
        references=tuple(vector for vector, _, _ in looks),
        sources=tuple((path, digest) for _, path, digest in looks),
    )


def _look(path: Path, ready: Ready, embed: Embed) -> tuple[Floats, str, str] | None:
    """The embedding of a photo's largest face, its path and hash; None where there is none."""
    try:
        photo, digest = images.read(path), sha256(path)
    except DifFaceError as error:
        log.warning("The reference %s is left out: %s", path, error.message)
        return None
    face = _largest(photo, ready)
    if face is None:
        log.warning("The reference %s is left out: no face was found in it.", path)
        return None
    return embed(face), str(path), digest


def _largest(photo: Photo, ready: Ready) -> np.ndarray | None:
    if ready.detector is None:
        raise ValueError("the model was loaded without its detector")
    faces = ready.detector(images.rgb8(photo))
    if not faces:
        return None
    crop = align.crop(photo.pixels, align.similarity(faces[0].landmarks, SIZE), SIZE)
    return (crop * 255).round().astype(np.uint8)
