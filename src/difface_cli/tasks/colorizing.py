"""A grey photo in, a photo with coloured faces out: find the faces, align, colour, put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli import images
from difface_cli import tasks as pipeline
from difface_cli.base.errors import ImageError, UsageError
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces import paste
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.difface import Refinement
from difface_cli.models import Ready
from difface_cli.tasks import Batches, Clock, Crops, Found, Restoration
from difface_cli.tasks.options import Options
from difface_cli.tasks.tint import tinted

Array = npt.NDArray[np.float32]

GAMMAS: Mapping[str, float] = MappingProxyType({"closed-form": 20.0, "gradient": 1.0})
LARGEST_STEP = 2.2  # a gradient step of 1/|w|² ends as far from the luma as it began


@dataclass(frozen=True)
class Wishes:
    """How a photo is coloured.

    Attributes:
        options: of the method and the faces; `strength` scales the chroma, `upscale` and `gray`
            play no part.
        refinement: how the chain is held to the luma.
        desaturate: whether a photo in colour loses its colours first; else it is refused.
    """

    options: Options = field(default_factory=Options)
    refinement: Refinement = field(default_factory=lambda: Refinement(GAMMAS["closed-form"]))
    desaturate: bool = False


def check(wishes: Wishes) -> None:
    """Raise UsageError for a gamma with which the chain cannot be held to the luma."""
    gamma, how = wishes.refinement.gamma, wishes.refinement.how
    if how == "gradient" and gamma > LARGEST_STEP:
        problem = f"A gradient step must be at most {LARGEST_STEP}, or it overshoots; not {gamma}."
        raise UsageError(problem, "Give a smaller --gamma, or --refine closed-form.")
    if not 0 <= gamma < float("inf"):
        raise UsageError(f"--gamma must be 0 or more, not {gamma}.", "See the command's --help.")


def check_photo(photo: Photo, name: str, wishes: Wishes) -> None:
    """Raise ImageError for a photo in colour, called `name`, unless its colours may be dropped."""
    if not (wishes.desaturate or images.is_toned(photo)):
        raise ImageError(
            f"{name} is in colour already.",
            "Add --desaturate to drop its colours and have others invented.",
        )


def colorize(
    photo: Photo, ready: Ready, wishes: Wishes, progress: Progress | None = None
) -> Restoration:
    """Colour the faces of a photo, of which only the luma is used.

    Returns:
        The photo in RGB at its own size and depth. Its luma is the photo's everywhere, to within
        rounding; away from the faces it is grey. Without a face the photo is returned as it is.
        The crops' estimates are the tinted faces that the chain started from.

    Raises:
        ImageError: for an aligned picture that is not square.
        FaceError: for a face that is not there.
        DeviceError: when memory runs out.
    """
    progress = progress or NoProgress()
    clock, options = Clock(), wishes.options
    gray = images.desaturated(photo)
    with clock("detect"):
        progress.stage("finding faces")
        found = pipeline.find(gray, ready, options)
    with clock("align"):
        cuts = pipeline.cut(gray, found, ready.model.image_size, options)
    progress.stage("colouring")
    batches = Batches(options.batch, ready.device)
    with torch.inference_mode(), clock("denoise"):
        crops = tuple(
            _coloured(index, cuts[index], ready, wishes, batches, progress)
            for index in progress.steps(list(cuts), len(cuts), "face")
        )
    with clock("paste"):
        progress.stage("pasting")
        photos = tuple(
            _put_back(gray, found, crops, k, options) if crops else photo
            for k in range(options.samples)
        )
    seeds = {index: _seeds(cut, options) for index, cut in cuts.items()}
    found = tuple(replace(f, seeds=seeds.get(f.index, ())) for f in found)
    return Restoration(photos, found, crops, False, MappingProxyType(clock.seconds))


def _coloured(
    index: int, cut: Array, ready: Ready, wishes: Wishes, batches: Batches, progress: Progress
) -> Crops:
    """Run the method on one face, its samples in batches."""
    gray = cut[..., :1]
    y = torch.from_numpy(gray).permute(2, 0, 1)[None].to(ready.device)

    def work(part: Sequence[tuple[int, Array]]) -> Tensor:
        x = torch.from_numpy(np.stack([start for _, start in part])).permute(0, 3, 1, 2)
        return difface.colorize(
            y.expand(len(part), -1, -1, -1),
            x.to(ready.device),
            ready.denoise,
            ready.schedule,
            wishes.options.settings,
            [seed for seed, _ in part],
            wishes.refinement,
            track=lambda steps: progress.steps(steps, len(steps), "step"),
        ).cpu()

    starts = [(seed, tinted(gray, seed)) for seed in _seeds(cut, wishes.options)]
    faces = torch.cat(list(batches.each(work, starts))).permute(0, 2, 3, 1).float().numpy()
    restored = tuple(images.recoloured(gray, face - images.luma(face)) for face in faces)
    return Crops(index, cut, starts[0][1], restored)


def _put_back(
    gray: Photo, found: Sequence[Found], crops: Sequence[Crops], sample: int, options: Options
) -> Photo:
    """The photo with the chroma of one sample of each face, within its oval.

    What the model draws around a face would show as a patch of sky in a grey photo.
    """
    pixels = np.repeat(gray.pixels, 3, axis=2)
    for face in crops:
        drawn = face.restored[sample]
        size = drawn.shape[0]
        paste.paste(
            pixels,
            drawn,
            pipeline.matrix(gray, found[face.index].face, size, options),
            mask=_shown(size, options.aligned),
            original_crop=drawn,  # no colour to match in a grey photo
            strength=options.strength,
        )
    return images.with_chroma_of(gray, pixels)


def _shown(size: int, aligned: bool) -> Array:
    """Where a face's colour shows, s×s in [0, 1]: all of it, or an oval that fades early."""
    if aligned:
        return np.ones((size, size), np.float32)
    oval: Array = paste.face_mask(size) ** 2
    return oval


def _seeds(cut: Array, options: Options) -> tuple[int, ...]:
    face = torch.from_numpy(cut).permute(2, 0, 1)
    return tuple(difface.face_seed(options.seed, face, k) for k in range(options.samples))
