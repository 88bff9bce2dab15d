"""What `difface replay` does with a record."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch

from difface_cli import models
from difface_cli import tasks as pipeline
from difface_cli.base.errors import RecordError
from difface_cli.base.hashing import sha256
from difface_cli.base.progress import Progress
from difface_cli.cli import console, outputs, referring, running
from difface_cli.cli.outputs import Job
from difface_cli.cli.running import Record, Source
from difface_cli.cli.verdicts import Verdict, compare, result_of
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.records import sidecar
from difface_cli.records.replay import Run
from difface_cli.tasks import colorizing, holes, inpainting, options
from difface_cli.trust.choosing import IDENTITY
from difface_cli.weights.registry import NEEDED, Model, Registry

DIFFERENT = 1

Repeated = tuple[Sequence[Photo], Callable[..., Record]]  # results, and what makes their record


@dataclass(frozen=True)
class Session:
    """A run that can be repeated.

    Attributes:
        photo: where the input is now; its content is that of then.
    """

    run: Run
    registry: Registry
    model: Model
    photo: Path
    device: torch.device

    def load(self) -> Ready:
        """The run's networks.

        Raises:
            RecordError: when their weights are not those of the record.
        """
        run = self.run
        ready = models.load(
            self.registry,
            self.model,
            self.device,
            models.resolve_precision(run.precision, self.device),
            detector=bool(run.references)
            or not (run.options.aligned or (run.fill and run.fill.faces)),
            detect_size=run.detect_size,
            compiled=run.compiled,
        )
        if run.options.choose == IDENTITY:
            ready = referring.equipped(self.registry, ready, _references(run))
        for name, digest in ready.hashes.items():
            if run.weights.get(name) != digest:
                raise RecordError(
                    f"The weights {name} are not those of the record: their hash differs.",
                    "Name the models.toml of then with --models, or fetch the weights again.",
                )
        return ready


def prepare(run: Run, registry: Registry, photo: Path | None, device: str | None) -> Session:
    """Find the input, and the model with the parts of then.

    Args:
        photo: where the input is now; None to look where it was.
        device: to compute on; None for that of the record.

    Raises:
        RecordError: for an input that is not there or not that of the record, or for a model
            that is not known here.
        DeviceError: when this machine does not have the device.
    """
    found = _input(run, photo)
    model = _model(run, registry)
    options.check(run.options, model.name, models.max_n(registry, model))
    return Session(run, registry, model, found, models.resolve_device(device or run.device))


def _input(run: Run, photo: Path | None) -> Path:
    """The input's file, whose hash is that of the record."""
    moved = [run.record.parent / run.from_record] if run.from_record else []
    places = [photo] if photo else [Path(run.photo), *moved]
    there = [place for place in places if place.is_file()]
    if not there:
        raise RecordError(f"The input {places[0]} is not there.", "Say where it is with --photo.")
    for place in there:
        if sha256(place) == run.sha256:
            return place
    raise RecordError(
        f"{there[0]} is not the input of this record: its content differs.",
        "Name the photo of then with --photo.",
    )


def _references(run: Run) -> list[Path]:
    """The photos of the person, whose hashes are those of the record."""
    photos = []
    for name, digest in run.references:
        path = Path(name)
        if not path.is_file() or sha256(path) != digest:
            raise RecordError(
                f"The reference photo {name} is not there, or not that of the record.",
                "Put it back where it was.",
            )
        photos.append(path)
    return photos


def _model(run: Run, registry: Registry) -> Model:
    """The record's model with the record's parts."""
    model = registry.model(run.model, run.task)
    if run.image_size not in (0, model.image_size):
        raise RecordError(
            f"The model {run.model} draws faces of {model.image_size} pixels, and drew them "
            f"with {run.image_size}.",
            "Name the models.toml of then with --models.",
        )
    for part, name in run.parts.items():
        if name not in registry.weights or registry.weights[name].part != part:
            raise RecordError(
                f"The weights {name} of this record are no {part} of any models.toml.",
                "Name the file they are in with --models.",
            )
    if absent := [part for part in NEEDED[run.task] if part not in run.parts]:
        raise RecordError(
            f"The record {run.record} names no {absent[0]}.", "Give it as it was written."
        )
    return replace(model, parts=MappingProxyType(dict(run.parts)))


def run(session: Session, output: Path | None, *, overwrite: bool, as_json: bool) -> int:
    """Repeat the run, compare, and report.

    Args:
        output: where to write what comes out; None for nowhere.

    Returns:
        0 when every result came out again bit for bit, else 1.
    """
    start = time.perf_counter()
    told, name = session.run, str(session.photo)
    job = _job(session, output, overwrite)
    if job is None:
        _refuse_nothing_to_compare(told)
    with console.photo_progress(1, quiet=as_json) as progress:
        progress.photo(session.photo.name, 0, 1)
        source = running.read(name)
        photos, note = REPEAT[told.task](session, source, progress)
        verdicts = [
            compare(told, k, running.encoded(source, photo, Path(told.outputs[k]), told.quality))
            for k, photo in enumerate(photos)
        ]
        seconds = time.perf_counter() - start
        if job is not None:
            _write(job, session, source, photos, note, seconds)
    _report(session, verdicts, seconds, as_json, to_stderr=job is not None and job.target is None)
    return 0 if all(verdict.identical for verdict in verdicts) else DIFFERENT


def _refuse_nothing_to_compare(run: Run) -> None:
    if not run.output_sha256 and not all(result_of(run, k) for k in range(run.options.results)):
        raise RecordError(
            f"There is nothing to compare with: {run.outputs[0]} is not there, and this record "
            "holds no hash of it.",
            "Write what comes out now with -o.",
        )


def _restore(session: Session, source: Source, progress: Progress) -> Repeated:
    options, ready = session.run.options, session.load()
    result = pipeline.restore(source.photo, ready, options, progress)
    return result.photos, partial(sidecar.record, result, ready, options)


def _inpaint(session: Session, source: Source, progress: Progress) -> Repeated:
    told, fill = session.run, session.run.fill
    assert fill is not None  # the reader sees to it
    holes.check(fill.wish)
    found = holes.find(source.photo, str(session.photo), fill.wish)
    if sidecar.hash_of(found) != fill.sha256:
        raise RecordError(
            f"The holes are not those of the record: {found.source} differs.",
            "Put the mask of then where it was.",
        )
    wishes = inpainting.Wishes(
        told.options, told.refinement, fill.keep_known, fill.faces, fill.fill_rest
    )
    ready = session.load()
    result = inpainting.inpaint(source.photo, found, ready, wishes, progress)
    return result.photos, partial(sidecar.filled, result, found, fill.wish, ready, wishes)


def _colorize(session: Session, source: Source, progress: Progress) -> Repeated:
    told = session.run
    wishes = colorizing.Wishes(told.options, told.refinement, told.desaturate)
    colorizing.check(wishes)
    colorizing.check_photo(source.photo, str(session.photo), wishes)
    ready = session.load()
    result = colorizing.colorize(source.photo, ready, wishes, progress)
    return result.photos, partial(sidecar.coloured, result, ready, wishes)


REPEAT: Mapping[str, Callable[[Session, Source, Progress], Repeated]] = MappingProxyType(
    {"restore": _restore, "inpaint": _inpaint, "colorize": _colorize}
)


def _job(session: Session, output: Path | None, overwrite: bool) -> Job | None:
    if output is None:
        return None
    samples = session.run.options.results
    (job,) = outputs.plan([str(session.photo)], output, samples=samples, overwrite=overwrite)
    return job


def _write(
    job: Job,
    session: Session,
    source: Source,
    photos: Sequence[Photo],
    note: Callable[..., Record],
    seconds: float,
) -> None:
    record = note(
        source=job.source,
        source_sha256=source.sha256,
        outputs=[str(job.sample(k)) for k in range(job.samples)] if job.target else [],
        quality=session.run.quality,
        seconds=seconds,
    )
    with running.folder(job):
        running.write(job, source, photos, record, session.run.quality)


def _report(
    session: Session, verdicts: Sequence[Verdict], seconds: float, as_json: bool, to_stderr: bool
) -> None:
    """A line a result, and what is not as it was where one differs."""
    told, changed = session.run, _changed(session.run)
    if as_json:
        record = {
            "status": "identical" if all(v.identical for v in verdicts) else "different",
            "record": str(told.record),
            "input": {"path": str(session.photo), "sha256": told.sha256},
            "results": [asdict(verdict) for verdict in verdicts],
            "versions_changed": {name: list(pair) for name, pair in changed.items()},
            "seconds": round(seconds, 3),
        }
        sys.stdout.write(json.dumps(record, ensure_ascii=True) + "\n")
        return
    for line in _lines(told, verdicts, changed, seconds):
        console.plain(line, stderr=to_stderr)


def _lines(
    told: Run, verdicts: Sequence[Verdict], changed: Mapping[str, tuple[str, str]], seconds: float
) -> Iterator[str]:
    for verdict in verdicts:
        what = "identical to the last bit" if verdict.identical else "different"
        if off := verdict.difference:
            what += (
                f": at most {off.largest:.3g} of 255, {off.mean:.3g} on average, "
                f"PSNR {off.psnr:.1f} dB"
            )
        yield f"{told.record}: {verdict.output} is {what}, {running.duration(seconds)}"
        if verdict.note:
            yield f"  {verdict.note}"
    if changed and not all(verdict.identical for verdict in verdicts):
        pairs = (f"{name} {then} (now {now})" for name, (then, now) in changed.items())
        yield f"  made with {', '.join(pairs)}"


def _changed(run: Run) -> dict[str, tuple[str, str]]:
    """Versions that are not what they were: name → then, now."""
    now = sidecar.versions()
    return {
        name: (then, now.get(name, "none"))
        for name, then in run.versions.items()
        if now.get(name) != then
    }
