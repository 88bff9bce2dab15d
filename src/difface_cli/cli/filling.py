"""What `difface inpaint` does with its photos, one after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch

from difface_cli import images, models
from difface_cli.base.errors import FaceError, UsageError
from difface_cli.base.progress import Progress
from difface_cli.cli import console, outputs, running
from difface_cli.cli.outputs import Job
from difface_cli.cli.running import Record
from difface_cli.faces import by_hand
from difface_cli.faces.detect import Face
from difface_cli.models import Ready
from difface_cli.records import sidecar
from difface_cli.report import preview
from difface_cli.tasks import holes, inpainting
from difface_cli.tasks.holes import Holes, Wish
from difface_cli.tasks.inpainting import Filled, Wishes
from difface_cli.weights.registry import Model, Registry

FOLDER = Path("inpainted")
FARTHEST = 1e6  # pixels; no photo has a side so long
BY_HAND = "Name it with --face X,Y,W,H or --landmarks to have it drawn."


@dataclass(frozen=True)
class Session:
    """What holds for all photos of a run."""

    registry: Registry
    model: Model
    device: torch.device
    dtype: torch.dtype
    wishes: Wishes
    wish: Wish
    detect_size: int = 1280
    quality: int = 95
    as_json: bool = False

    @cached_property
    def ready(self) -> Ready:
        """The model, loaded when the first photo could be read."""
        return models.load(
            self.registry,
            self.model,
            self.device,
            self.dtype,
            detector=not self.wishes.options.aligned and not self.wishes.faces,
            detect_size=self.detect_size,
        )


def faces_by_hand(boxes: Sequence[str], landmarks: Sequence[str]) -> tuple[Face, ...]:
    """The faces of --face and --landmarks.

    Raises:
        UsageError: for anything but the numbers they take.
        FaceError: for landmarks that form no face.
    """
    faces = [by_hand.face_in_box(*_numbers(box, 4, "--face")) for box in boxes]
    for points in landmarks:
        numbers = _numbers(points, 10, "--landmarks")
        try:
            faces.append(by_hand.face_at([numbers[i : i + 2] for i in range(0, 10, 2)]))
        except FaceError as error:
            raise FaceError(error.message, "Correct --landmarks.") from None
    return tuple(faces)


def check(wishes: Wishes, photos: Sequence[str]) -> None:
    """Raise UsageError unless the wishes go together."""
    gamma, named = wishes.refinement.gamma, bool(wishes.faces)
    problems = (
        (0 <= gamma < math.inf, f"--gamma must be 0 or more, not {gamma}"),
        (not named or len(photos) == 1, "--face and --landmarks are for a single photo"),
        (not named or not wishes.options.aligned, "an --aligned picture is a face already"),
        (
            not named or wishes.options.faces == "all",
            "--faces chooses among faces that are found, and --face names one",
        ),
    )
    for fine, problem in problems:
        if not fine:
            raise UsageError(f"{problem[0].upper()}{problem[1:]}.", "See difface inpaint --help.")


def run(jobs: list[Job], session: Session, *, dry_run: bool = False) -> int:
    """Do all jobs, see `running.run`."""
    work = partial(_preview if dry_run else _fill, session)
    return running.run(jobs, work, as_json=session.as_json)


def _fill(session: Session, job: Job, progress: Progress) -> Record:
    start = time.perf_counter()
    progress.stage("reading")
    source = running.read(job.source)
    found = _holes(session, job, source)
    with running.folder(job):
        result = inpainting.inpaint(source.photo, found, session.ready, session.wishes, progress)
        progress.stage("writing")
        sheet = {job.sheet: _sheet(result)} if job.sheet and result.crops else {}
        named = [job.sample(k) for k in range(job.samples)] if job.target else []
        record = sidecar.filled(
            result,
            found,
            session.wish,
            session.ready,
            session.wishes,
            source=job.source,
            source_sha256=source.sha256,
            outputs=[str(path) for path in (*named, *sheet)],
            quality=session.quality,
            seconds=time.perf_counter() - start,
        )
        running.write(job, source, result.photos, record, session.quality, sheet)
    if not session.as_json:
        _report(job, found, result, session.wishes, time.perf_counter() - start)
    status = "filled" if result.crops else "smoothed" if found.mask.any() else "no hole"
    return {"status": status} | record


def _holes(session: Session, job: Job, source: running.Source) -> Holes:
    found = holes.find(source.photo, job.source, session.wish)
    if found.doubt:
        console.say("warning", found.doubt, "Give a mask with --mask if they are none.")
    return found


def _sheet(result: Filled) -> bytes:
    return images.encode(preview.fillings(result.crops), "PNG")


def _preview(session: Session, job: Job, progress: Progress) -> Record:
    photo = running.read(job.source)
    found = _holes(session, job, photo)
    bridged, faces = inpainting.look(photo.photo, found, session.ready, session.wishes)
    path = job.files[0] if job.target else None
    if path is not None:
        with outputs.folder(path.parent):
            images.write(preview.numbered(bridged, faces), path)
    if not session.as_json:
        count = sum(not face.skipped for face in faces)
        console.plain(
            f"{job.source}: holes are {found.share:.2%} of it, {count} of {len(faces)} faces "
            f"would be filled{f', numbered in {path}' if path else ''}."
        )
    return {
        "status": "dry run",
        "input": {"path": job.source},
        "preview": str(path) if path else None,
        "mask": {"source": found.source, "share": round(found.share, 6)},
        "faces": [sidecar.face(face) for face in faces],
    }


def _report(job: Job, found: Holes, result: Filled, wishes: Wishes, seconds: float) -> None:
    """One line a photo, and what the user may not expect."""
    target = job.target or "stdout"
    lines = [f"{job.source} → {target}: {_what(found, result)}, {running.duration(seconds)}"]
    if job.sheet and result.crops:
        lines.append(f"  samples side by side: {job.sheet}")
    for line in (*lines, *_notes(found, result, wishes)):
        console.plain(line, stderr=job.target is None)


def _what(found: Holes, result: Filled) -> str:
    if not found.mask.any():
        return f"no hole ({found.source}), the photo is only copied"
    count = len(result.crops)
    faces = "no face" if not count else "1 face" if count == 1 else f"{count} faces"
    return f"holes of {found.share:.2%} filled, {faces} drawn"


def _notes(found: Holes, result: Filled, wishes: Wishes) -> Iterator[str]:
    for face in result.faces:
        if face.skipped not in ("", "not chosen", inpainting.WHOLE):
            yield f"  face {face.index} left alone: {face.skipped}"
    if result.rest > 0:
        done = "smoothed over" if wishes.fill_rest else "left as it is"
        yield f"  {result.rest:.2%} of it lies outside faces and was {done}"
    if found.mask.any() and not result.faces:
        yield f"  no face was found. {BY_HAND}"


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    fine = len(numbers) == count and all(abs(number) <= FARTHEST for number in numbers)
    if not fine or (count == 4 and min(numbers[2:]) <= 0):
        what = "X,Y,WIDTH,HEIGHT" if count == 4 else "five points X1,Y1,…,X5,Y5"
        raise UsageError(
            f"{option} takes {what} in pixels, not {text!r}.", "See difface inpaint --help."
        )
    return numbers
