"""The last stage: paste the drawn faces back into the photo, enlarged where that was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from difface_cli import images
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces import align, paste
from difface_cli.faces.finish import Finish
from difface_cli.images import Photo
from difface_cli.models import Parser, Ready
from difface_cli.models.background import Upscaler
from difface_cli.tasks.batches import memory_errors
from difface_cli.tasks.judging import judge
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import matrix
from difface_cli.tasks.records import Array, Clock, Drawn, Found, Prepared, Restoration
from difface_cli.tasks.selecting import select


@memory_errors()
def finish(
    prepared: Prepared,
    drawn: Drawn,
    ready: Ready,
    options: Options,
    progress: Progress | None = None,
) -> Restoration:
    """Paste the faces into the photo, once for each sample, or the samples that are chosen.

    Faces that the gate holds back stay as they are.

    Raises:
        DeviceError: when memory for the background's network runs out.
    """
    progress, photo, clock = progress or NoProgress(), prepared.photo, Clock()
    if options.choose:
        with clock("choose"):
            prepared, drawn = select(prepared, drawn, ready, options)
    gray = loses_colour(photo, options)
    with clock("judge"):
        size = ready.model.image_size
        upright = {
            f.index: matrix(photo, f.face, size, options) for f in prepared.found if not f.skipped
        }
        found, taken = judge(prepared, drawn, upright, ready, options, gray)
    with clock("enlarge"):
        canvas = enlarge(photo, ready.model.image_size, options, ready.background, progress)
    with clock("paste"):
        progress.stage("pasting")
        samples = [{c.index: c.restored[k] for c in taken} for k in range(options.results)]
        photos = tuple(
            put_back(photo, canvas, found, faces, options, ready.parser) for faces in samples
        )
    seconds = MappingProxyType({**prepared.seconds, **drawn.seconds, **clock.seconds})
    return Restoration(photos, found, taken, gray, seconds)


def enlarge(
    photo: Photo, size: int, options: Options, background: Upscaler | None, progress: Progress
) -> Photo:
    """What faces of this size are pasted into; the photo itself where it stays as large.

    By the background network where there is one, else by Lanczos, as alpha always is. An aligned
    picture is enlarged to the face's size at least, and is all face.
    """
    factor: float = options.upscale
    if options.aligned:
        factor, background = max(factor, size / photo.width), None
    enlarged = images.upscale(photo, factor)
    if background is None or factor == 1:
        return enlarged
    progress.stage("enlarging the background")
    return images.with_pixels(enlarged, background(photo.pixels, int(factor), progress))


def put_back(
    photo: Photo,
    canvas: Photo,
    found: Iterable[Found],
    faces: Mapping[int, Array],
    options: Options,
    parser: Parser | None = None,
) -> Photo:
    """A copy of the canvas with restored faces in it; without faces the canvas itself.

    Args:
        canvas: the photo, or the photo as `enlarge` gives it.
        faces: index → s×s×3 in [0, 1], of some of those found.
    """
    if not faces:
        return canvas
    gray = loses_colour(photo, options)
    known = {f.index: f for f in found}
    pixels = canvas.pixels.copy()
    if canvas.is_gray_file and not gray:
        pixels = np.repeat(pixels, 3, axis=2)
    for index, face in faces.items():
        to_photo = matrix(photo, known[index].face, face.shape[0], options)
        paste.paste(
            pixels,
            face,
            align.scale_matrix(to_photo, canvas.width / photo.width),
            mask=_mask(face, parser, options),
            strength=options.strength,
            gray=gray,
            finish=_finish(known[index], options),
        )
    return images.with_pixels(canvas, pixels)


def loses_colour(photo: Photo, options: Options) -> bool:
    """Whether restored faces are made grey: when told to, or because the photo is."""
    return options.gray == "on" or (options.gray == "auto" and images.is_gray(photo))


def _finish(found: Found, options: Options) -> Finish:
    """What is done to a face at the photo's resolution; its grain follows from its noise's seed."""
    seed = next(iter(found.seeds), options.seed)
    return Finish(options.keep_detail, abs(seed) if options.grain else None)


def _mask(face: Array, parser: Parser | None, options: Options) -> Array:
    """Where a restored face shows: the soft oval, within the parsed face where there is a parser.

    An aligned picture is a face from edge to edge.
    """
    if options.aligned:
        return np.ones(face.shape[:2], np.float32)
    oval = paste.face_mask(face.shape[0])
    return oval if parser is None else np.minimum(oval, parser(face))
