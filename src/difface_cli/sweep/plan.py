"""One face over many N, eta, seeds: a plan of cells, and their results one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from difface_cli.base.errors import ImageError, UsageError
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.base.tensors import to_batch, to_picture
from difface_cli.faces import align, paste
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.chains import Chain, contract_all
from difface_cli.method.difface import Estimator, Settings
from difface_cli.metrics.fidelity import distance, psnr, ssim
from difface_cli.metrics.sharpness import sharpness
from difface_cli.models import Ready
from difface_cli.tasks import Cut
from difface_cli.tasks.batches import Batches, memory_errors

Array = npt.NDArray[np.float32]

AXES = ("n", "eta", "seed", "steps", "estimator")

MEASURES: Mapping[str, str] = {
    "distance": "root mean square difference to the input, in grey levels of 255",
    "psnr": "peak signal-to-noise ratio to the reference, dB",
    "ssim": "structural similarity to the reference, Wang et al. 2004",
    "sharpness": "high-frequency energy: root mean square of the luma less its blur by 1 % of the "
    "face, in grey levels of 255; grows with noise and artefacts too",
}


@dataclass(frozen=True, order=True)
class Cell:
    """One choice of settings for a face.

    Attributes:
        seed: the user's, from which the face's own follows.
        estimator: the name of its weights.
    """

    n: int
    eta: float
    seed: int
    steps: int
    estimator: str

    def settings(self, method: Settings) -> Settings:
        """The method's settings: the cell's own, and of the others those of `method`."""
        return replace(method, n=self.n, steps=self.steps, eta=self.eta)

    def __str__(self) -> str:
        return ",".join(f"{axis}={getattr(self, axis)}" for axis in AXES)


@dataclass(frozen=True)
class Plan:
    """The values of each axis; a cell stands for each combination of them.

    Attributes:
        steps: empty for the model's own, which fall with a small N.
        model_steps: the model's own.
    """

    n: tuple[int, ...]
    eta: tuple[float, ...]
    seed: tuple[int, ...]
    estimator: tuple[str, ...]
    steps: tuple[int, ...] = ()
    model_steps: int = 100

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All combinations, the seed running fastest."""
        return tuple(
            Cell(n, eta, seed, steps or min(self.model_steps, n), estimator)
            for estimator, eta, steps, n, seed in product(
                self.estimator, self.eta, self.steps or (0,), self.n, self.seed
            )
        )

    def values(self, axis: str) -> tuple[Any, ...]:
        """What was chosen for one of `AXES`."""
        chosen: tuple[Any, ...] = getattr(self, axis)
        return chosen

    @property
    def varied(self) -> tuple[str, ...]:
        """The axes with more than one value."""
        return tuple(axis for axis in AXES if len(self.values(axis)) > 1)


@dataclass(frozen=True)
class Done:
    """One cell's face, s×s×3 in [0, 1], and the seconds it took."""

    cell: Cell
    face: Array
    seconds: float


def check(plan: Plan, method: Settings, model: str, max_n: int) -> None:
    """Raise UsageError, naming option and range, unless every cell can be run.

    Args:
        model: the model's name, for the message.
        max_n: the largest N its prior was trained for.
    """
    for cell in plan.cells:
        try:
            difface.check(cell.settings(method), max_n)
        except ValueError as e:
            raise UsageError(
                f"For the model {model}, {e}.", "Correct --n, --eta or --steps."
            ) from None


def estimate(cut: Cut, estimator: Estimator, device: torch.device) -> Array:
    """f(y) of a face: made once for all its cells, s×s×3 in [0, 1]."""
    with torch.inference_mode(), memory_errors():
        return to_picture(difface.estimate(to_batch([cut.face], device), estimator)[0])


def run(
    noise: Callable[[int], int],
    estimates: Mapping[str, Array],
    cells: Sequence[Cell],
    ready: Ready,
    *,
    method: Settings,
    batch: int = 0,
    progress: Progress | None = None,
) -> Iterator[Done]:
    """Run the chain of each cell, those of a batch together.

    A cell is what the engine makes of the face with the same settings; on the CPU, where a batch
    is one cell unless told otherwise, to the last bit.

    Args:
        noise: the user's seed → that of the face's noise.
        estimates: estimator's name → its estimate of the face.
        method: the settings that are the same for all cells: sampler and guidance.
        batch: cells a network call; 0 lets the device decide.

    Returns:
        The cells as they are done, in the order of `together`.

    Raises:
        DeviceError: when memory runs out.
    """
    progress = progress or NoProgress()
    batches, groups = Batches(batch, ready.device), together(cells)

    def work(part: Sequence[Cell]) -> list[Done]:
        start = time.perf_counter()
        faces = _restore(part, noise, estimates, ready, method, progress)
        seconds = (time.perf_counter() - start) / len(part)
        pairs = zip(part, faces, strict=True)
        return [Done(cell, to_picture(face), seconds) for cell, face in pairs]

    calls = chain.from_iterable(batches.each(work, group) for group in groups)
    count = sum(-(-len(group) // batches.size) for group in groups)
    for done in progress.steps(calls, count, "cell" if batches.size == 1 else "batch"):
        yield from done


def together(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells that network calls can take together: they take as many steps."""
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.steps, []).append(cell)
    return list(groups.values())


@torch.inference_mode()
def _restore(
    cells: Sequence[Cell],
    noise: Callable[[int], int],
    estimates: Mapping[str, Array],
    ready: Ready,
    method: Settings,
    progress: Progress,
) -> Tensor:
    """The faces of cells with as many steps, on the CPU; progress counts the first chain's."""
    starts = {name: to_batch([face], ready.device) for name, face in estimates.items()}
    chains = [
        Chain(starts[cell.estimator], cell.settings(method), noise(cell.seed)) for cell in cells
    ]
    prior = ready.prior(method.guidance)
    return contract_all(chains, prior, ready.schedule, progress).cpu()


def measure(
    face: Array, original: Array, reference: Array | None, weight: Array
) -> dict[str, float]:
    """A face's fidelity and sharpness, by the names of `MEASURES`.

    Args:
        original: the face as found.
        reference: the same face in good quality, where there is one.
        weight: s×s in [0, 1], where the face shows in the photo.
    """
    measured = {"distance": distance(face, original, weight)}
    if reference is not None:
        measured["psnr"] = psnr(face, reference, weight)
        measured["ssim"] = ssim(face, reference, weight)
    measured["sharpness"] = sharpness(face, weight)
    return measured


def reference_crop(reference: Photo, photo: Photo, cut: Cut) -> Array:
    """The same face cut out of the same photo in good quality, s×s×3 in [0, 1].

    Raises:
        ImageError: when the two pictures cannot show the same.
    """
    factor = reference.width / photo.width
    if abs(reference.height - photo.height * factor) > max(1.0, factor):
        raise ImageError(
            f"The reference has {reference.width}x{reference.height} pixels, "
            f"and the photo {photo.width}x{photo.height}: another shape.",
            "Give the same photo, uncropped, in any size.",
        )
    to_face = align.scale_matrix(cut.matrix, factor)
    return align.crop(reference.pixels, to_face, len(cut.face))


def shows(size: int, aligned: bool) -> Array:
    """Where a restored face shows, s×s: all of an aligned picture, else the oval that is pasted."""
    return np.ones((size, size), np.float32) if aligned else paste.face_mask(size)
