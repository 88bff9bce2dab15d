"""The middle stage: faces through the networks, in batches that may span several photos."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from difface_cli.base.errors import DifFaceError
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.method import difface
from difface_cli.method.chains import Chain, contract
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.tasks.batches import Batches
from difface_cli.tasks.options import Options
from difface_cli.tasks.records import Array, Clock, Crops, Drawn, Prepared
from difface_cli.trust import auto_n
from difface_cli.trust.auto_n import Start


class Drawing:
    """Draws the faces of photos as they are added.

    A face waits until a network call is full or `flush` is called. On the CPU, where a call takes
    one face unless told otherwise, none ever waits, and none can depend on its company.
    """

    def __init__(self, ready: Ready, options: Options, progress: Progress | None = None) -> None:
        self.batches = Batches(options.batch, ready.device)
        self._ready, self._options = ready, options
        self._progress = progress or NoProgress()
        self._waiting: deque[_Sample] = deque()

    def add(self, prepared: Prepared) -> Future[Drawn]:
        """Take a photo's faces in, and run the calls that are full.

        Returns:
            The photo's drawn faces, to come. It fails with DeviceError when memory runs out.
        """
        photo = _Photo(prepared)
        seeds = {found.index: found.seeds for found in prepared.found}
        for face in photo.faces:
            self._waiting.extend(_Sample(photo, face, seed) for seed in seeds[face.index])
        photo.look()
        self._run(full=True)
        return photo.future

    def flush(self) -> None:
        """Run what waits, in calls that need not be full."""
        self._run(full=False)

    def _run(self, full: bool) -> None:
        least = self.batches.size if full else 1
        if count := (len(self._waiting) + self.batches.size - least) // self.batches.size:
            for _ in self._progress.steps(self._calls(full), count, "face"):
                pass

    def _calls(self, full: bool) -> Iterator[None]:
        while len(self._waiting) >= (self.batches.size if full else 1):
            self._call()
            yield

    def _call(self) -> None:
        """Draw the first samples that wait; what fails, fails for their photos alone."""
        samples = list(self._waiting)
        try:
            count, (faces, seconds) = self.batches.first(self._draw, samples)
        except DifFaceError as error:
            failed = {sample.photo for sample in samples[: self.batches.size]}
            for photo in failed:
                photo.future.set_exception(error)
            self._waiting = deque(s for s in samples if s.photo not in failed)
            return
        for sample, face in zip(samples[:count], faces, strict=True):
            self._waiting.popleft()
            sample.face.samples.append(_array(face))
            sample.photo.spend(seconds, count)
            sample.photo.look()

    @torch.inference_mode()
    def _draw(self, samples: Sequence[_Sample]) -> tuple[Tensor, dict[str, float]]:
        """Estimate the faces that have no estimate yet, and run the chains."""
        ready, clock = self._ready, Clock()
        with clock("estimate"):
            self._progress.stage("estimating")
            faces = list(dict.fromkeys(s.face for s in samples if s.face.estimate is None))
            if faces:
                y = torch.stack([_tensor(face.crop) for face in faces]).to(ready.device)
                estimates = difface.estimate(y, ready.estimator)
                for face, estimate in zip(faces, torch.split(estimates, 1), strict=True):
                    face.estimate = estimate
                    if self._options.auto_n:
                        face.start = auto_n.start(face.crop, _array(estimate[0]), ready.max_n)
        with clock("denoise"):
            self._progress.stage("denoising")
            settings = self._options.settings
            chains = [
                Chain(sample.face.estimate, sample.face.settings(settings), sample.seed)
                for sample in samples
                if sample.face.estimate is not None
            ]
            drawn = contract(chains, ready.denoise, ready.schedule, self._progress).cpu()
        return drawn, clock.seconds


@dataclass(eq=False)
class _Face:
    """A face on its way; the estimate, 1×3×s×s, is on the device."""

    index: int
    crop: Array
    estimate: Tensor | None = None
    start: Start | None = None
    samples: list[Array] = field(default_factory=list)

    def settings(self, asked: Settings) -> Settings:
        """Its own N where it has one, with as many of the steps asked for as that has room for."""
        if self.start is None:
            return asked
        return replace(asked, n=self.start.n, steps=min(asked.steps, self.start.n))

    def crops(self) -> Crops:
        if self.estimate is None:
            raise ValueError("a face that was not drawn")
        estimate = _array(self.estimate[0])
        return Crops(self.index, self.crop, estimate, tuple(self.samples), self.start)


class _Photo:
    """A photo whose faces are on their way."""

    def __init__(self, prepared: Prepared) -> None:
        self.faces = [_Face(index, crop) for index, crop in prepared.crops.items()]
        self.future: Future[Drawn] = Future()
        self._seeds = {found.index: len(found.seeds) for found in prepared.found}
        self._seconds: dict[str, float] = {}

    def spend(self, seconds: dict[str, float], shared_by: int) -> None:
        """Take one sample's share of a call's seconds."""
        for stage, taken in seconds.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + taken / shared_by

    def look(self) -> None:
        """Give the faces away once all samples of all of them are there."""
        if all(len(face.samples) == self._seeds[face.index] for face in self.faces):
            self.future.set_result(Drawn(tuple(f.crops() for f in self.faces), self._seconds))


@dataclass(frozen=True, eq=False)
class _Sample:
    """One sample of a face, waiting for its chain."""

    photo: _Photo
    face: _Face
    seed: int


def _tensor(face: Array) -> Tensor:
    return torch.from_numpy(face).permute(2, 0, 1)


def _array(face: Tensor) -> Array:
    return face.permute(1, 2, 0).float().cpu().numpy()
