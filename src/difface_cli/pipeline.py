"""A photo in, a photo out: find the faces, align, restore, paste back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli import difface, images
from difface_cli.background import Upscaler
from difface_cli.errors import DeviceError, ImageError
from difface_cli.faces import align, paste
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.models import Parser, Ready
from difface_cli.options import Options, choose
from difface_cli.progress import NoProgress, Progress

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """A face of a photo and what was decided about it.

    Attributes:
        index: its number in the photo, 0 the largest.
        skipped: why it is left as it is; empty for a face that is restored.
        seeds: of its noise, one a sample; filled in when it is restored.
    """

    index: int
    face: Face
    skipped: str = ""
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Crops:
    """One face through the method, s×s×3 in [0, 1]: as found, estimated, and restored samples."""

    index: int
    original: Array
    estimate: Array
    restored: tuple[Array, ...]


@dataclass(frozen=True)
class Restoration:
    """What came of one photo.

    Attributes:
        photos: the restored photo, one a sample.
        gray: whether restored faces were made grey.
        seconds: by stage: detect, align, estimate, denoise, enlarge, paste.
    """

    photos: tuple[Photo, ...]
    faces: tuple[Found, ...]
    crops: tuple[Crops, ...]
    gray: bool
    seconds: MappingProxyType[str, float]


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
    found = []
    for index, face in enumerate(faces):
        width = face.box[2] - face.box[0]
        skipped = ""
        if index not in chosen:
            skipped = "not chosen"
        elif width < options.min_face:
            skipped = f"{width:.0f} px wide, smaller than --min-face {options.min_face:g}"
        found.append(Found(index, face, skipped))
    return tuple(found)


def restore(
    photo: Photo, ready: Ready, options: Options, progress: Progress | None = None
) -> Restoration:
    """Restore the faces of a photo.

    Returns:
        The whole photo with its faces restored, in its own depth and colour mode. Pixels outside
        the faces' masks are the photo's own, bit for bit, unless it is enlarged. Without a face
        the photo is returned as it is (enlarged when asked for).

    Raises:
        FaceError: for a face that is not there.
        ImageError: for a picture that is said to be aligned and is not square.
        DeviceError: when memory runs out.
    """
    progress = progress or NoProgress()
    clock = Clock()
    with clock("detect"):
        progress.stage("finding faces")
        found = find(photo, ready, options)
    with clock("align"):
        crops = cut(photo, found, ready.model.image_size, options)

    restored = restore_faces(crops, ready, options, progress, clock)
    with clock("enlarge"):
        canvas = enlarge(photo, ready.model.image_size, options, ready.background, progress)
    with clock("paste"):
        progress.stage("pasting")
        samples = [{c.index: c.restored[k] for c in restored} for k in range(options.samples)]
        photos = tuple(
            put_back(photo, canvas, found, faces, options, ready.parser) for faces in samples
        )
    gray = loses_colour(photo, options)
    seeds = {i: _seeds(crop, options) for i, crop in crops.items()}
    found = tuple(replace(f, seeds=seeds.get(f.index, ())) for f in found)
    return Restoration(photos, found, restored, gray, MappingProxyType(clock.seconds))


def cut(photo: Photo, found: Iterable[Found], size: int, options: Options) -> dict[int, Array]:
    """The faces that are restored, upright: index → size×size×3 in [0, 1]."""
    return {
        f.index: align.crop(photo.pixels, matrix(photo, f.face, size, options), size)
        for f in found
        if not f.skipped
    }


def restore_faces(
    crops: dict[int, Array], ready: Ready, options: Options, progress: Progress, clock: Clock
) -> tuple[Crops, ...]:
    """Run the method on aligned faces: one estimate a face, then all samples in batches."""
    if not crops:
        return ()
    batch = options.batch or default_batch(ready.device)
    y = torch.stack([torch.from_numpy(crop).permute(2, 0, 1) for crop in crops.values()])
    seeds = [seed for crop in crops.values() for seed in _seeds(crop, options)]
    with torch.inference_mode(), memory_errors():
        with clock("estimate"):
            progress.stage("estimating")
            parts = [
                difface.estimate(part.to(ready.device), ready.estimator)
                for part in torch.split(y, batch)
            ]
        estimates = torch.cat(parts)
        with clock("denoise"):
            progress.stage("denoising")
            f_y = estimates.repeat_interleave(options.samples, dim=0)
            faces = [
                difface.contract(
                    f_y[start : start + batch],
                    ready.denoise,
                    ready.schedule,
                    options.settings,
                    seeds[start : start + batch],
                    track=lambda steps: progress.steps(steps, len(steps), "step"),
                ).cpu()
                for start in progress.steps(
                    range(0, len(f_y), batch), -(-len(f_y) // batch), "face"
                )
            ]
    samples = torch.split(torch.cat(faces), options.samples)
    return tuple(
        Crops(index, crop, _array(estimate), tuple(_array(sample) for sample in sampled))
        for (index, crop), estimate, sampled in zip(crops.items(), estimates, samples, strict=True)
    )


def default_batch(device: torch.device) -> int:
    """Faces a network call.

    On the CPU one: larger batches gain little there, and kernels that add up in another order
    for another batch would let a face's last bit depend on its company.
    """
    return 1 if device.type == "cpu" else 8


def _seeds(crop: Array, options: Options) -> tuple[int, ...]:
    face = torch.from_numpy(crop).permute(2, 0, 1)
    return tuple(difface.face_seed(options.seed, face, k) for k in range(options.samples))


def _whole(photo: Photo) -> Face:
    if photo.width != photo.height:
        raise ImageError(
            f"An aligned face is square, and this picture is {photo.width}x{photo.height}.",
            "Leave --aligned out to have its faces found.",
        )
    box = (0.0, 0.0, float(photo.width), float(photo.height))
    template = (align.FFHQ_TEMPLATE_512 + 0.5) * photo.width / 512 - 0.5
    return Face(box, template, 1.0)


def matrix(photo: Photo, face: Face, size: int, options: Options) -> Matrix:
    """The 2×3 matrix from photo to aligned face."""
    if options.aligned:
        return align.scale_matrix(np.eye(2, 3), photo.width / size)
    return align.similarity(face.landmarks, size)


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
    known = {f.index: f.face for f in found}
    pixels = canvas.pixels.copy()
    if canvas.is_gray_file and not gray:
        pixels = np.repeat(pixels, 3, axis=2)
    for index, face in faces.items():
        to_photo = matrix(photo, known[index], face.shape[0], options)
        paste.paste(
            pixels,
            face,
            align.scale_matrix(to_photo, canvas.width / photo.width),
            mask=_mask(face, parser, options),
            strength=options.strength,
            gray=gray,
        )
    return images.with_pixels(canvas, pixels)


def loses_colour(photo: Photo, options: Options) -> bool:
    """Whether restored faces are made grey: when told to, or because the photo is."""
    return options.gray == "on" or (options.gray == "auto" and images.is_gray(photo))


def _mask(face: Array, parser: Parser | None, options: Options) -> Array:
    """Where a restored face shows: the soft oval, within the parsed face where there is a parser.

    An aligned picture is a face from edge to edge.
    """
    if options.aligned:
        return np.ones(face.shape[:2], np.float32)
    oval = paste.face_mask(face.shape[0])
    return oval if parser is None else np.minimum(oval, parser(face))


def _array(face: Tensor) -> Array:
    return face.permute(1, 2, 0).float().cpu().numpy()


class Clock:
    """Seconds by stage: `with clock("detect"): …` adds to `clock.seconds["detect"]`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure a block."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn a full device memory into the DeviceError that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise DeviceError(
            "The device ran out of memory.", "Use --batch 1, --device cpu, or a smaller model."
        ) from None
