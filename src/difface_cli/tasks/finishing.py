"""The last stage: judge the drawn faces, choose among them, and put them back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from difface_cli import images
from difface_cli.base.progress import NoProgress, Progress
from difface_cli.faces.resample import apply
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.models.background import Upscaler
from difface_cli.tasks.batches import memory_errors
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import doubted
from difface_cli.tasks.results import Array, Clock, Crops, Cut, Drawn, Found, Prepared, Result
from difface_cli.tasks.task import Pasting, Placed, Task, loses_colour
from difface_cli.trust import choosing, gate, measures
from difface_cli.trust.measures import Trust


@memory_errors()
def finish(
    prepared: Prepared,
    drawn: Drawn,
    ready: Ready,
    task: Task,
    options: Options,
    progress: Progress | None = None,
) -> Result:
    """Paste the faces into the photo, once for each sample, or the samples that are chosen.

    Faces that the gate holds back stay as they are.

    Raises:
        DeviceError: when memory for the background's network runs out.
        ValueError: for a choice by identity without the network that tells it.
    """
    progress, scene, clock = progress or NoProgress(), prepared.scene, Clock()
    pasting = Pasting(options, loses_colour(scene.view, options), ready.parser)
    with clock("judge"):
        judge = _Judge(ready, task, options, pasting.gray)
        of = {crops.index: crops for crops in drawn.crops}
        judged = [
            judge(found, prepared.cuts[found.index], of[found.index])
            if found.index in of
            else (found, None)
            for found in (_estimated(found, drawn, options) for found in prepared.found)
        ]
    faces = tuple(found for found, _ in judged)
    taken = tuple(crops for _, crops in judged if crops is not None)
    canvas = task.canvas(scene)
    if task.enlarges:
        with clock("enlarge"):
            size = ready.model.image_size
            canvas = enlarge(canvas, size, options, ready.background, progress)
    with clock("paste"):
        if taken:
            progress.stage("pasting")
        photos = tuple(
            scene.photo
            if scene.idle
            else task.put_back(scene, canvas, _placed(k, faces, taken, prepared), pasting)
            for k in range(options.results)
        )
    seconds = MappingProxyType({**prepared.seconds, **drawn.seconds, **clock.seconds})
    return Result(scene, photos, faces, taken, prepared.cuts, pasting.gray, seconds)


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


def _placed(
    k: int, faces: Sequence[Found], taken: Sequence[Crops], prepared: Prepared
) -> list[Placed]:
    """The k-th sample of each face, but for those that are refused."""
    known = {found.index: found for found in faces}
    return [
        Placed(known[crops.index], prepared.cuts[crops.index], crops.restored[k])
        for crops in taken
        if k not in known[crops.index].refused
    ]


def _estimated(found: Found, drawn: Drawn, options: Options) -> Found:
    """A face with what its estimate told."""
    found = replace(found, start=drawn.starts.get(found.index))
    if found.skipped:
        return found
    return doubted(found, found.doubt or drawn.doubts.get(found.index, ""), options)


@dataclass(frozen=True)
class _Judge:
    """Measures drawn faces, and decides which samples are taken.

    Attributes:
        gray: whether drawn faces are made grey.
    """

    ready: Ready
    task: Task
    options: Options
    gray: bool

    def __call__(self, found: Found, cut: Cut, crops: Crops) -> tuple[Found, Crops | None]:
        """The face with its measures, and its samples, the chosen one first; None for none."""
        options = self.options
        if not (self.task.gauged or options.choose or options.trust > 1):
            return found, replace(crops, restored=crops.restored[: options.samples])
        reference = self.task.reference(cut, crops.estimate)
        trusts = [self._measured(found, cut, crops, reference, k) for k in range(options.samples)]
        refused = {k: why for k, trust in enumerate(trusts) if (why := self._refusal(trust))}
        if options.choose:
            first, found = self._chosen(found, crops, reference, refused)
        else:
            first = next((k for k in range(options.samples) if k not in refused), 0)
        # A face of which every sample is refused is left alone; else only those samples are.
        reason = refused.get(first, "")
        found = doubted(replace(found, trust=trusts[first]), found.doubt or reason, options)
        if options.choose:
            order = [first, *(k for k in range(len(crops.restored)) if k != first)]
            found = replace(found, seeds=tuple(found.seeds[k] for k in order))
            crops = replace(crops, restored=tuple(crops.restored[k] for k in order))
        elif options.gate == gate.ON and not reason:
            found = replace(found, refused=refused)
        if found.skipped:
            return found, None
        return found, replace(crops, restored=crops.restored[: options.samples])

    def _measured(self, found: Found, cut: Cut, crops: Crops, reference: Array, k: int) -> Trust:
        others = (sample for i, sample in enumerate(crops.restored) if i != k)
        return measures.measure(
            reference,
            [crops.restored[k], *others],
            apply(cut.matrix, found.face.landmarks),
            self.ready.detector,
            self.gray,
            self.ready.likeness,
            crops.estimate,
            self.ready.recognition.distance if self.ready.recognition else None,
        )

    def _refusal(self, trust: Trust) -> str:
        if not self.task.gauged or self.options.gate == gate.OFF:
            return ""
        return gate.after(trust.shift, trust.variation)

    def _chosen(
        self, found: Found, crops: Crops, reference: Array, refused: dict[int, str]
    ) -> tuple[int, Found]:
        """The best of the samples that are not refused, or of all where all are."""
        samples = crops.restored[: self.options.samples]
        choice = choosing.choose(reference, samples, self.options.choose, self.ready.likeness)
        fine = [k for k in range(len(samples)) if k not in refused] or range(len(samples))
        first = max(fine, key=choice.scores.__getitem__)
        return first, replace(found, choice=replace(choice, sample=first))
