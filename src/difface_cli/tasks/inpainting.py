"""A photo with holes in, a photo without out: find the faces, align, fill, put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch

from difface_cli import images
from difface_cli import tasks as pipeline
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces import align, paste
from difface_cli.faces.detect import Face
from difface_cli.faces.resample import compose, translation
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.difface import Refinement
from difface_cli.models import Ready
from difface_cli.tasks import Batches, Clock, Crops, Found, holes
from difface_cli.tasks.holes import Holes
from difface_cli.tasks.options import Options

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

WHOLE = "no hole in it"
TOUCHED = 0.02  # of a crop's pixel: more of a hole than that makes it unknown
EDGE = 0.06  # of an aligned face's side, over which what was drawn fades into its surroundings


@dataclass(frozen=True)
class Wishes:
    """How a photo is filled.

    Attributes:
        options: of the method and the faces, as for restoring; strength and upscale play no part.
        refinement: how the chain is held to the known pixels.
        keep_known: whether the known pixels are put back at the end; else a face is the drawn one
            as a whole.
        faces: given by hand, instead of those the detector finds.
        fill_rest: whether holes outside faces are smoothed over; else they stay.
    """

    options: Options = field(default_factory=Options)
    refinement: Refinement = field(default_factory=Refinement)
    keep_known: bool = True
    faces: tuple[Face, ...] = ()
    fill_rest: bool = True


@dataclass(frozen=True)
class Filled:
    """What came of one photo.

    Attributes:
        photos: the filled photo, one a sample; the photo itself when it has no holes.
        crops: of the faces that were filled; `original` has zeros in its holes.
        rest: the share of the photo that is hole and in no filled face, 0 to 1.
        gray: whether what was drawn was made grey.
        seconds: by stage.
    """

    photos: tuple[Photo, ...]
    faces: tuple[Found, ...]
    crops: tuple[Crops, ...]
    rest: float
    gray: bool
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _Cut:
    """A face with holes, cut out: s×s×3 and s×s in [0, 1], and the matrix that leads to it."""

    face: Array
    mask: Array
    matrix: Matrix


def inpaint(
    photo: Photo,
    found: Holes,
    ready: Ready,
    wishes: Wishes,
    progress: Progress | None = None,
) -> Filled:
    """Fill the holes of a photo.

    Holes in a face are drawn by the model, at its own size; those outside are smoothed over.
    Faces are looked for with all holes smoothed over.

    Returns:
        The whole photo at its own size, depth and colour mode. With `keep_known`, pixels outside
        the holes are the photo's own, bit for bit.

    Raises:
        FaceError: for a face that is not there.
        DeviceError: when memory runs out.
    """
    progress = progress or NoProgress()
    clock, options = Clock(), wishes.options
    if not found.mask.any():
        return Filled((photo,) * options.samples, (), (), 0.0, False, {})
    with clock("bridge"):
        progress.stage("smoothing holes over")
        bridged = holes.bridged(photo, found)
    with clock("detect"):
        progress.stage("finding faces")
        faces = _find(bridged, ready, wishes)
    with clock("align"):
        cuts = _cuts(bridged, found, faces, ready, options)
    crops = _fill(cuts, ready, wishes, progress, clock)

    with clock("paste"):
        progress.stage("pasting")
        gray = pipeline.loses_colour(bridged, options)
        canvas = bridged if wishes.fill_rest else photo
        photos = tuple(
            _put_back(photo, canvas, found, cuts, crops, k, gray, wishes)
            for k in range(options.samples)
        )
        rest = _rest(photo, found, cuts, options)
    noted = tuple(_noted(f, cuts, options) for f in faces)
    return Filled(photos, noted, crops, rest, gray, MappingProxyType(clock.seconds))


def look(
    photo: Photo, found: Holes, ready: Ready, wishes: Wishes
) -> tuple[Photo, tuple[Found, ...]]:
    """The photo with its holes smoothed over, and its faces, those left alone marked."""
    bridged = holes.bridged(photo, found)
    cuts = _cuts(bridged, found, faces := _find(bridged, ready, wishes), ready, wishes.options)
    return bridged, tuple(_noted(face, cuts, wishes.options) for face in faces)


def _find(bridged: Photo, ready: Ready, wishes: Wishes) -> tuple[Found, ...]:
    if wishes.options.aligned:
        side = max(bridged.width, bridged.height)
        left, top = (bridged.width - side) // 2, (bridged.height - side) // 2
        template = (align.FFHQ_TEMPLATE_512 + 0.5) * side / 512 - 0.5 + (left, top)
        box = (0.0, 0.0, float(bridged.width), float(bridged.height))
        return (Found(0, Face(box, template, 1.0)),)
    if wishes.faces:
        return tuple(Found(index, face) for index, face in enumerate(wishes.faces))
    return pipeline.find(bridged, ready, wishes.options)


def _matrix(photo: Photo, face: Face, size: int, options: Options) -> Matrix:
    """From photo to aligned face. An aligned picture lies in the middle of a square."""
    if not options.aligned:
        return align.similarity(face.landmarks, size)
    side = max(photo.width, photo.height)
    centred = translation((side - photo.width) // 2, (side - photo.height) // 2)
    return compose(align.scale_matrix(np.eye(2, 3), side / size), centred)


def _cuts(
    bridged: Photo, found: Holes, faces: Sequence[Found], ready: Ready, options: Options
) -> dict[int, _Cut]:
    """The faces to be filled, by index: those that were chosen and have a hole."""
    size = ready.model.image_size
    cuts = {f.index: _cut(bridged, found, f, size, options) for f in faces if not f.skipped}
    return {index: cut for index, cut in cuts.items() if cut.mask.any()}


def _cut(bridged: Photo, found: Holes, face: Found, size: int, options: Options) -> _Cut:
    """A face and its holes, aligned together; beyond the photo's edge both are mirrored.

    The face is cut out of the bridged photo, so that no known pixel mixes with a hole's contents.
    """
    matrix = _matrix(bridged, face.face, size, options)
    white = found.mask[..., None].astype(np.uint8) * np.uint8(255)
    mask = (align.crop(white, matrix, size)[..., 0] > TOUCHED).astype(np.float32)
    return _Cut(align.crop(bridged.pixels, matrix, size) * (1 - mask)[..., None], mask, matrix)


def _fill(
    cuts: Mapping[int, _Cut], ready: Ready, wishes: Wishes, progress: Progress, clock: Clock
) -> tuple[Crops, ...]:
    """Run the method on each face, its samples in batches."""
    if cuts:
        progress.stage("filling")
    batches = Batches(wishes.options.batch, ready.device)
    with torch.inference_mode(), clock("fill"):
        return tuple(
            _filled(index, cuts[index], ready, wishes, batches, progress)
            for index in progress.steps(list(cuts), len(cuts), "face")
        )


def _filled(
    index: int, cut: _Cut, ready: Ready, wishes: Wishes, batches: Batches, progress: Progress
) -> Crops:
    y = torch.from_numpy(cut.face).permute(2, 0, 1)[None].to(ready.device)
    mask = torch.from_numpy(cut.mask)[None, None].to(ready.device)

    def work(seeds: Sequence[int]) -> difface.Restored:
        return difface.inpaint(
            y,
            mask,
            ready.estimator,
            ready.denoise,
            ready.schedule,
            wishes.options.settings,
            seeds,
            wishes.refinement,
            track=lambda steps: progress.steps(steps, len(steps), "step"),
        )

    parts = list(batches.each(work, _seeds(cut, wishes.options)))
    faces = torch.cat([part.face for part in parts])
    if wishes.keep_known:
        faces = difface.keep_known(faces, y, mask)
    estimate, *samples = torch.cat([parts[0].estimate, faces]).permute(0, 2, 3, 1).float().cpu()
    return Crops(index, cut.face, estimate.numpy(), tuple(sample.numpy() for sample in samples))


def _put_back(
    photo: Photo,
    canvas: Photo,
    found: Holes,
    cuts: Mapping[int, _Cut],
    crops: Sequence[Crops],
    sample: int,
    gray: bool,
    wishes: Wishes,
) -> Photo:
    """The photo with one sample of each face's filling in its holes.

    Faces are pasted into the canvas as squares first, then each one's own oval once more, so that
    a face near another is not filled by what the other's square shows at its border.
    """
    pixels = canvas.pixels.copy()
    if canvas.is_gray_file and not gray:
        pixels = np.repeat(pixels, 3, axis=2)
        photo = images.with_pixels(photo, np.repeat(photo.pixels, 3, axis=2))
    aligned = wishes.options.aligned
    for oval in (False,) if aligned else (False, True):
        for face in crops:
            drawn, cut = face.restored[sample], cuts[face.index]
            size = drawn.shape[0]
            shown = _shown(size, aligned, oval)
            if not wishes.keep_known and not aligned:
                shown = np.minimum(shown, np.maximum(cut.mask, paste.face_mask(size)))
            paste.paste(pixels, drawn, cut.matrix, mask=shown, original_crop=drawn, gray=gray)
    if not wishes.keep_known:
        return images.with_pixels(photo, pixels)
    return holes.blended(photo, pixels, found)


def _shown(size: int, aligned: bool, oval: bool) -> Array:
    """Where a drawn face shows, s×s in [0, 1]: its oval, all of it, or all but a soft edge."""
    if oval:
        return paste.face_mask(size)
    if aligned:
        return np.ones((size, size), np.float32)
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    ramp = (np.minimum(at, 1 - at) / EDGE).clip(0, 1)
    return np.outer(ramp, ramp)


def _rest(photo: Photo, found: Holes, cuts: Mapping[int, _Cut], options: Options) -> float:
    """The share of the photo that is hole and lies in no filled face."""
    covered = np.zeros((photo.height, photo.width, 1), np.uint8)
    for cut in cuts.values():
        size = cut.mask.shape[0]
        white = np.ones((size, size, 3), np.float32)
        shown = _shown(size, options.aligned, False)
        paste.paste(covered, white, cut.matrix, mask=shown, original_crop=white)
    return float(np.mean(found.mask & (covered[..., 0] == 0)))


def _noted(face: Found, cuts: Mapping[int, _Cut], options: Options) -> Found:
    """The face with its seeds, or with why it was left alone."""
    if face.skipped:
        return face
    if face.index not in cuts:
        return replace(face, skipped=WHOLE)
    return replace(face, seeds=_seeds(cuts[face.index], options))


def _seeds(cut: _Cut, options: Options) -> tuple[int, ...]:
    """Of the noise, one a sample; they follow from the face's known pixels."""
    known = torch.from_numpy(cut.face).permute(2, 0, 1)
    return tuple(difface.face_seed(options.seed, known, k) for k in range(options.samples))
