"""A photo in, a photo out: find the faces, align, restore, paste back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli import difface, images
from difface_cli.difface import Settings
from difface_cli.errors import DeviceError, FaceError, ImageError, UsageError
from difface_cli.faces import align, paste
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.progress import NoProgress, Progress

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
UPSCALES = (1, 2, 4)
GRAYS = ("auto", "on", "off")
CHOICES = ("all", "largest", "center")


@dataclass(frozen=True)
class Options:
    """How a photo is treated, beside the method's own settings.

    Attributes:
        samples: restorations of each face, each with its own noise.
        strength: 0 keeps the original face, 1 takes the restored one whole.
        aligned: the photo is one face, aligned to the FFHQ template already.
        faces: "all", "largest", "center" or indices such as "0,2".
        min_face: the smallest width of a face that is restored, pixels.
        upscale: enlargement of the whole photo.
        gray: whether restored faces lose their colour: "auto" follows the photo.
        batch: faces a network call; 0 lets the device decide.
    """

    settings: Settings = field(default_factory=Settings)
    seed: int = 0
    samples: int = 1
    strength: float = 1.0
    aligned: bool = False
    faces: str = "all"
    min_face: float = 16.0
    upscale: int = 1
    gray: str = "auto"
    batch: int = 0


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
        seconds: by stage: detect, estimate, denoise, paste.
    """

    photos: tuple[Photo, ...]
    faces: tuple[Found, ...]
    crops: tuple[Crops, ...]
    gray: bool
    seconds: MappingProxyType[str, float]


def check(options: Options, model: str, max_n: int) -> None:
    """Raise UsageError, naming option and range, unless the options can be run.

    Args:
        model: the model's name, for the message.
        max_n: the largest N its prior was trained for.
    """
    try:
        difface.check(options.settings, max_n)
    except ValueError as e:
        raise UsageError(f"For the model {model}, {e}.", "See difface restore --help.") from None
    problems = (
        (options.samples >= 1, f"--samples must be at least 1, not {options.samples}"),
        (0 <= options.strength <= 1, f"--strength must be 0 to 1, not {options.strength}"),
        (options.upscale in UPSCALES, f"--upscale must be 1, 2 or 4, not {options.upscale}"),
        (options.gray in GRAYS, f"--gray must be auto, on or off, not {options.gray}"),
        (options.min_face >= 0, f"--min-face must not be negative, not {options.min_face}"),
        (options.batch >= 0, f"--batch must not be negative, not {options.batch}"),
    )
    for fine, problem in problems:
        if not fine:
            raise UsageError(f"{problem}.", "See difface restore --help.")
    parse_choice(options.faces)


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


def parse_choice(choice: str) -> str | frozenset[int]:
    """ "all", "largest", "center", or the indices of a list such as "0,2".

    Raises:
        UsageError: for anything else.
    """
    if choice in CHOICES:
        return choice
    parts = [part.strip() for part in choice.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(
            f"--faces takes all, largest, center or numbers such as 0,2, not {choice!r}.",
            "See the numbers of the faces with --dry-run.",
        )
    return frozenset(int(part) for part in parts)


def choose(faces: Sequence[Face], choice: str, width: int, height: int) -> frozenset[int]:
    """The indices of the faces that are meant; faces come largest first."""
    wanted = parse_choice(choice)
    if isinstance(wanted, frozenset):
        if absent := sorted(wanted - set(range(len(faces)))):
            there = f"0 to {len(faces) - 1}" if faces else "none"
            raise FaceError(
                f"There is no face {absent[0]}: the faces found are {there}.",
                "See their numbers with --dry-run.",
            )
        return wanted
    if wanted == "all" or not faces:
        return frozenset(range(len(faces)))
    if wanted == "largest":
        return frozenset({0})

    def off_centre(index: int) -> float:
        x0, y0, x1, y1 = faces[index].box
        return float(np.hypot((x0 + x1 - width) / 2, (y0 + y1 - height) / 2))

    return frozenset({min(range(len(faces)), key=off_centre)})


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
    clock = _Clock()
    with clock("detect"):
        progress.stage("finding faces")
        found = find(photo, ready, options)
    gray = options.gray == "on" or (options.gray == "auto" and images.is_gray(photo))
    size = ready.model.image_size
    matrices = {f.index: _matrix(photo, f.face, size, options) for f in found if not f.skipped}
    with clock("align"):
        crops = {i: align.crop(photo.pixels, matrix, size) for i, matrix in matrices.items()}

    restored = restore_faces(crops, ready, options, progress, clock)
    with clock("paste"):
        progress.stage("pasting")
        photos = tuple(
            _pasted(
                photo, matrices, {c.index: c.restored[s] for c in restored}, gray, ready, options
            )
            for s in range(options.samples)
        )
    seeds = {i: _seeds(crop, options) for i, crop in crops.items()}
    found = tuple(replace(f, seeds=seeds.get(f.index, ())) for f in found)
    return Restoration(photos, found, restored, gray, MappingProxyType(clock.seconds))


def restore_faces(
    crops: dict[int, Array], ready: Ready, options: Options, progress: Progress, clock: _Clock
) -> tuple[Crops, ...]:
    """Run the method on aligned faces: one estimate a face, then all samples in batches."""
    if not crops:
        return ()
    batch = options.batch or default_batch(ready.device)
    y = torch.stack([torch.from_numpy(crop).permute(2, 0, 1) for crop in crops.values()])
    seeds = [seed for crop in crops.values() for seed in _seeds(crop, options)]
    with torch.inference_mode(), _memory_errors():
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


def _matrix(photo: Photo, face: Face, size: int, options: Options) -> Matrix:
    if options.aligned:
        return align.scale_matrix(np.eye(2, 3), photo.width / size)
    return align.similarity(face.landmarks, size)


def _mask(face: Array, ready: Ready, options: Options) -> Array:
    """Where a restored face shows: the soft oval, within the parsed face where there is a parser.

    An aligned picture is a face from edge to edge.
    """
    if options.aligned:
        return np.ones(face.shape[:2], np.float32)
    oval = paste.face_mask(face.shape[0])
    return oval if ready.parser is None else np.minimum(oval, ready.parser(face))


def _pasted(
    photo: Photo,
    matrices: dict[int, Matrix],
    faces: dict[int, Array],
    gray: bool,
    ready: Ready,
    options: Options,
) -> Photo:
    """The photo, enlarged when asked for, with these restored faces in it.

    Without faces, and at its own size, it is the very same photo.
    """
    factor: float = options.upscale
    if options.aligned:  # a small aligned face comes out at the model's size, not at its own
        factor = max(factor, *(face.shape[1] / photo.width for face in faces.values()))
    photo = images.upscale(photo, factor)
    if not faces:
        return photo
    canvas = photo.pixels.copy()
    if photo.is_gray_file and not gray:
        canvas = np.repeat(canvas, 3, axis=2)
    for index, face in faces.items():
        paste.paste(
            canvas,
            face,
            align.scale_matrix(matrices[index], factor),
            mask=_mask(face, ready, options),
            strength=options.strength,
            gray=gray,
        )
    return images.with_pixels(photo, canvas)


def _array(face: Tensor) -> Array:
    return face.permute(1, 2, 0).float().cpu().numpy()


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError:
        raise DeviceError(
            "The device ran out of memory.", "Use --batch 1, --device cpu, or a smaller model."
        ) from None
