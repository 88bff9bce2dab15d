"""Between drawing and pasting: how far each face can be trusted, and whether it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from difface_cli.faces import paste, pose
from difface_cli.faces.detect import Face
from difface_cli.faces.resample import apply
from difface_cli.models import Ready
from difface_cli.tasks.options import Options
from difface_cli.tasks.records import Crops, Drawn, Found, Matrix, Prepared
from difface_cli.trust import gate, measures
from difface_cli.trust.measures import Trust


def standing(found: Found, matrix: Matrix, width: int, height: int, size: int) -> str:
    """What speaks against restoring a face, of how it stands in the photo; empty for nothing.

    Args:
        matrix: from photo to aligned face.
        width, height: of the photo, pixels.
        size: side of the aligned face.
    """
    share = pose.inside(matrix, width, height, paste.face_mask(size))
    return gate.before(pose.turn(found.face.landmarks), share)


def doubted(found: Found, reason: str, options: Options) -> Found:
    """The face with what speaks against restoring it, left alone unless it is forced."""
    if not reason or options.gate == gate.OFF:
        return found
    if options.gate == gate.FORCE:
        return replace(found, doubt=reason)
    return replace(found, skipped=reason)


def judge(
    prepared: Prepared,
    drawn: Drawn,
    matrices: Mapping[int, Matrix],
    ready: Ready,
    options: Options,
    gray: bool,
) -> tuple[tuple[Found, ...], tuple[Crops, ...]]:
    """Measure the drawn faces, and mark those that are not taken.

    Args:
        matrices: from photo to aligned face, of the faces drawn, by index.
        gray: whether restored faces are made grey.

    Returns:
        All faces found, and the crops of those that are taken, with the samples asked for.
    """
    measured = {
        crops.index: measures.measure(
            crops.original,
            crops.restored,
            apply(matrices[crops.index], _face(prepared, crops.index).landmarks),
            ready.detector,
            gray,
            ready.likeness,
        )
        for crops in drawn.crops
    }
    found = tuple(_judged(f, measured.get(f.index), options) for f in prepared.found)
    taken = {f.index for f in found if not f.skipped}
    return found, tuple(
        replace(crops, restored=crops.restored[: options.samples])
        for crops in drawn.crops
        if crops.index in taken
    )


def _judged(found: Found, measured: Trust | None, options: Options) -> Found:
    if measured is None:
        return found
    limits = gate.OF_AUTO_N if options.auto_n else gate.LIMITS
    width = measured.consistency.severity.width
    reason = gate.after(width, measured.shift, measured.variation, limits)
    return doubted(replace(found, trust=measured), found.doubt or reason, options)


def _face(prepared: Prepared, index: int) -> Face:
    return next(found.face for found in prepared.found if found.index == index)
