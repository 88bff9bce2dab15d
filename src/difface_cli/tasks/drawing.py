"""The middle stage: faces through the networks, in batches that may span several photos."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch
from torch import Tensor

from difface_cli.base.progress import NoProgress, Progress
from difface_cli.base.tensors import to_picture
from difface_cli.faces import align
from difface_cli.method.chains import Chain, contract_all
from difface_cli.method.denoiser import BatchDenoiser
from difface_cli.method.difface import Settings
from difface_cli.method.guidance import descend
from difface_cli.models import Ready
from difface_cli.tasks.batches import Batches
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Array, Clock, Crops, Cut, Drawn, Prepared
from difface_cli.tasks.task import Task
from difface_cli.trust import auto_n, gate
from difface_cli.trust.auto_n import Start


class Drawing:
    """Draws the faces of photos as they are added.

    A photo's faces are estimated at once, and what the estimates tell is used: the gate leaves
    faces alone, each face gets its N. Then a face waits until a network call is full or `flush`
    is called. On the CPU, where a call takes one face unless told otherwise, none ever waits.
    Whatever goes wrong fails for its photo alone.
    """

    def __init__(
        self, ready: Ready, task: Task, options: Options, progress: Progress | None = None
    ) -> None:
        self.batches = Batches(options.batch, ready.device)
        self._ready, self._task, self._options = ready, task, options
        self._progress = progress or NoProgress()
        self._waiting: deque[_Sample] = deque()

    def add(self, prepared: Prepared) -> Future[Drawn]:
        """Take a photo's faces in, and run the calls that are full.

        Returns:
            The photo's drawn faces, to come. It fails with DeviceError when memory runs out, or
            with what else went wrong.
        """
        photo = _Photo(prepared)
        try:
            samples = self._begun(photo)
        except Exception as error:
            photo.fail(error)
            return photo.future
        self._waiting.extend(samples)
        photo.look()
        self._run(full=True)
        return photo.future

    def flush(self) -> None:
        """Run what waits, in calls that need not be full."""
        self._run(full=False)

    @torch.inference_mode()
    def _begun(self, photo: _Photo) -> list[_Sample]:
        """The samples of a photo's faces that are to be drawn, each with its start."""
        clock, samples = Clock(), []
        with clock("estimate"):
            if photo.faces:
                self._progress.stage("estimating")
            every = [_Sample(photo, face, seed) for face in photo.faces for seed in face.seeds]
            first = [sample for sample in every if sample.seed == sample.face.seeds[0]]
            asked = every if self._task.own_starts else first

            def work(part: Sequence[_Sample]) -> Tensor:
                cuts, seeds = [s.face.cut for s in part], [s.seed for s in part]
                return self._task.start(cuts, seeds, self._ready)

            starts = (
                row for rows in self.batches.each(work, asked) for row in torch.split(rows, 1)
            )
            for sample, start in zip(asked, starts, strict=True):
                sample.start = start
            for sample in first:
                self._look_at_estimate(sample)
            for sample in every:
                if not sample.face.left:
                    if sample.start is None:
                        sample.start = sample.face.estimate
                    samples.append(sample)
        if photo.faces:
            photo.spend(clock.seconds, 1)
        return samples

    def _look_at_estimate(self, sample: _Sample) -> None:
        """Keep a face's estimate, and decide by it whether and from which N it is drawn."""
        face, options = sample.face, self._options
        face.estimate = sample.start
        gated = options.gate != gate.OFF and self._task.gauged
        if sample.start is None or not (options.auto_n or gated):
            return
        start = auto_n.start(face.cut.face, to_picture(sample.start[0]), options.settings.n)
        if options.auto_n:
            face.start = start
        if gated:
            face.doubt = gate.estimated(start.severity, self._side(face.cut))
            face.left = bool(face.doubt) and options.gate == gate.ON

    def _side(self, cut: Cut) -> float:
        """Of a face's aligned square in the result, pixels."""
        size = float(self._ready.model.image_size)
        if self._options.aligned:
            return size  # an aligned picture is never given back smaller than it was drawn
        return size / align.face_scale(cut.matrix) * self._options.upscale

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
        """Draw the first samples that wait; what fails, fails for its photo alone."""
        samples = list(self._waiting)
        photos = list(dict.fromkeys(s.photo for s in samples[: self.batches.size]))
        try:
            self._done(samples, *self.batches.first(self._draw, samples))
        except Exception as error:
            if len(photos) == 1:
                self._fail(photos[0], error)
                return
            for photo in photos:  # one of them is at fault
                self._alone(photo, [s for s in samples if s.photo is photo])

    def _alone(self, photo: _Photo, samples: list[_Sample]) -> None:
        """Draw one photo's samples without company."""
        try:
            while samples:
                count, drawn = self.batches.first(self._draw, samples)
                self._done(samples, count, drawn)
                samples = samples[count:]
        except Exception as error:
            self._fail(photo, error)

    def _fail(self, photo: _Photo, error: Exception) -> None:
        self._waiting = deque(s for s in self._waiting if s.photo is not photo)
        photo.fail(error)

    def _done(
        self, samples: Sequence[_Sample], count: int, drawn: tuple[Tensor, dict[str, float]]
    ) -> None:
        """Give the first samples, which a call has drawn, to their faces."""
        faces, seconds = drawn
        done = set(map(id, samples[:count]))
        self._waiting = deque(s for s in self._waiting if id(s) not in done)
        for sample, face in zip(samples[:count], faces, strict=True):
            sample.face.samples.append(self._task.drawn(to_picture(face), sample.face.cut))
            sample.photo.spend(seconds, count)
            sample.photo.look()

    @torch.inference_mode()
    def _draw(self, samples: Sequence[_Sample]) -> tuple[Tensor, dict[str, float]]:
        """Run the chains."""
        ready, clock = self._ready, Clock()

        def hold(denoise: BatchDenoiser, cuts: Sequence[Cut]) -> BatchDenoiser:
            return self._task.held(denoise, cuts, ready.device)

        with clock("denoise"):
            self._progress.stage("denoising")
            options, settings = self._options, self._options.settings
            chains = [
                Chain(sample.start, sample.face.settings(settings), sample.seed, sample.face.cut)
                for sample in samples
                if sample.start is not None
            ]
            prior = ready.prior(settings.guidance)
            if options.guide and ready.recognition:
                prior = descend(prior, ready.recognition.misfit, options.guide / 127.5)
            drawn = contract_all(chains, prior, ready.schedule, self._progress, hold).cpu()
        return drawn, clock.seconds


@dataclass(eq=False)
class _Face:
    """A face on its way; the estimate, 1×3×s×s, is on the device."""

    index: int
    cut: Cut
    seeds: tuple[int, ...]
    estimate: Tensor | None = None
    start: Start | None = None
    doubt: str = ""
    left: bool = False
    samples: list[Array] = field(default_factory=list)

    def settings(self, asked: Settings) -> Settings:
        """Those of its own N where it has one."""
        return asked if self.start is None else auto_n.shortened(asked, self.start.n)

    def crops(self) -> Crops:
        if self.estimate is None:
            raise ValueError("a face that was not drawn")
        estimate = to_picture(self.estimate[0])
        return Crops(self.index, self.cut.face, estimate, tuple(self.samples))


class _Photo:
    """A photo whose faces are on their way."""

    def __init__(self, prepared: Prepared) -> None:
        seeds = {found.index: found.seeds for found in prepared.found}
        self.faces = [_Face(index, cut, seeds[index]) for index, cut in prepared.cuts.items()]
        self.future: Future[Drawn] = Future()
        self._seconds: dict[str, float] = {}

    def spend(self, seconds: dict[str, float], shared_by: int) -> None:
        """Take one sample's share of a call's seconds."""
        for stage, taken in seconds.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + taken / shared_by

    def look(self) -> None:
        """Give the faces away once all samples of all of them are there."""
        drawn = [face for face in self.faces if not face.left]
        if all(len(face.samples) == len(face.seeds) for face in drawn):
            starts = {face.index: face.start for face in self.faces if face.start}
            doubts = {face.index: face.doubt for face in self.faces if face.doubt}
            crops = tuple(face.crops() for face in drawn)
            self.future.set_result(Drawn(crops, starts, doubts, self._seconds))

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(eq=False)
class _Sample:
    """One sample of a face, waiting for its chain, which starts from 1×3×s×s."""

    photo: _Photo
    face: _Face
    seed: int
    start: Tensor | None = None
