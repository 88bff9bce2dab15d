"""A run repeated from its record, to be held against its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from difface_cli import models
from difface_cli.base.errors import RecordError
from difface_cli.base.hashing import sha256
from difface_cli.base.progress import Progress
from difface_cli.models import Ready
from difface_cli.records import record as records
from difface_cli.records.reading import Run
from difface_cli.records.verdicts import Verdict, compare, result_of
from difface_cli.runs import work
from difface_cli.runs.session import Session
from difface_cli.runs.work import Source
from difface_cli.tasks import Engine, Result, options
from difface_cli.tasks.inpaint import hash_of
from difface_cli.weights.registry import NEEDED, Model, Registry


@dataclass(frozen=True)
class Checked(Session):
    """A session whose weights must be those that a record tells of."""

    weights: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ready(self) -> Ready:
        """The model.

        Raises:
            RecordError: when its weights are not those of the record.
        """
        ready = super().ready
        for name, digest in ready.hashes.items():
            if self.weights.get(name) != digest:
                raise RecordError(
                    f"The weights {name} are not those of the record: their hash differs.",
                    "Name the models.toml of then with --models, or fetch the weights again.",
                )
        return ready


@dataclass(frozen=True)
class Replay:
    """A run that can be repeated.

    Attributes:
        photo: where the input is now; its content is that of then.
    """

    run: Run
    session: Session
    photo: Path

    def repeat(self, progress: Progress) -> tuple[Source, Result]:
        """What comes out now, with the seeds of then.

        Raises:
            RecordError: for weights or holes that are not those of the record.
        """
        source, run = work.read(str(self.photo)), self.run
        session = self.session
        scene = session.task.scene(source.photo, str(self.photo), source.sha256)
        if run.holes_sha256 and (scene.holes is None or hash_of(scene.holes) != run.holes_sha256):
            raise RecordError(
                "The holes are not those of the record.", "Put the mask of then where it was."
            )
        engine = Engine(session.ready, session.task, session.options, progress)
        known = {k: s for k, s in run.seeds.items() if len(s) == run.options.drawn}
        return source, engine.run(scene, known)

    def verdicts(self, source: Source, result: Result) -> list[Verdict]:
        """How each result compares with that of then."""
        run = self.run
        return [
            compare(run, k, work.encoded(source, photo, Path(run.outputs[k]), run.quality))
            for k, photo in enumerate(result.photos)
        ]

    def refuse_nothing_to_compare(self) -> None:
        """Raise RecordError where neither a hash nor a file tells what came out then."""
        run = self.run
        if not run.output_sha256 and not all(result_of(run, k) for k in range(run.options.results)):
            raise RecordError(
                f"There is nothing to compare with: {run.outputs[0]} is not there, and this record "
                "holds no hash of it.",
                "Write what comes out now with -o.",
            )

    def changed(self) -> dict[str, tuple[str, str]]:
        """Versions that are not what they were: name → then, now."""
        now = records.versions()
        return {
            name: (then, now.get(name, "none"))
            for name, then in self.run.versions.items()
            if now.get(name) != then
        }


def prepare(run: Run, registry: Registry, photo: Path | None, device: str | None) -> Replay:
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
    place = models.resolve_device(device or run.device)
    session = Checked(
        registry=registry,
        model=model,
        device=place,
        dtype=models.resolve_precision(run.precision, place),
        task=run.task,
        options=run.options,
        detect_size=run.detect_size,
        quality=run.quality,
        compiled=run.compiled,
        references=_references(run),
        weights=run.weights,
    )
    return Replay(run, session, found)


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


def _references(run: Run) -> tuple[Path, ...]:
    """The photos of the person, whose hashes are those of the record."""
    for name, digest in run.references:
        path = Path(name)
        if not path.is_file() or sha256(path) != digest:
            raise RecordError(
                f"The reference photo {name} is not there, or not that of the record.",
                "Put it back where it was.",
            )
    return tuple(Path(name) for name, _ in run.references)


def _model(run: Run, registry: Registry) -> Model:
    """The record's model with the record's parts."""
    model = registry.model(run.model, run.task.name)
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
    if absent := [part for part in NEEDED[run.task.name] if part not in run.parts]:
        raise RecordError(
            f"The record {run.record} names no {absent[0]}.", "Give it as it was written."
        )
    return replace(model, parts=MappingProxyType(dict(run.parts)))
