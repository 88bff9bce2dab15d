"""A record beside a result, read back as the run that it tells of.

A record may come from anywhere, with a photo by mail, say. Nothing in it is believed before its
kind and range were checked, it is told apart from the file it names by that file's hash, and no
path of it is ever written to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from difface_cli.base.errors import FaceError, RecordError
from difface_cli.base.validation import validated
from difface_cli.faces.align import similarity
from difface_cli.faces.detect import Face
from difface_cli.method.difface import Refinement, Settings
from difface_cli.records.record import SCHEMA
from difface_cli.tasks import Colorize, Inpaint, Restore, Task, holes
from difface_cli.tasks.options import Options
from difface_cli.weights.registry import HASH, PARTS

LARGEST_RECORD = 1 << 26  # bytes; no run writes a longer one
LARGEST = 1 << 62
FARTHEST = 1e6  # pixels; no photo has a side so long
MOST_SAMPLES = 1000
GIVE = "Give the NAME.json that lies beside a result, unchanged."
TASKS = ("restore", "inpaint", "colorize")
NEEDED_OF_TASK: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"restore": ("strength", "upscale", "gray"), "inpaint": ("gray",), "colorize": ("strength",)}
)
PRECISIONS: Mapping[str, str] = MappingProxyType(
    {"float32": "fp32", "tf32": "tf32", "bfloat16": "bf16", "float16": "fp16"}
)
"""What a record calls a precision → what `models.resolve_precision` does."""


def _sensible(text: str) -> str:
    if "\0" in text:
        raise ValueError("is no sensible text")
    return text


def _known(parts: dict[str, str]) -> dict[str, str]:
    if unknown := [part for part in parts if part not in PARTS]:
        raise ValueError(f"names {unknown[0][:40]!r}, which is no part of a model")
    return parts


Text = Annotated[str, Field(max_length=4096), AfterValidator(_sensible)]
Hash = Annotated[str, Field(pattern=f"^{HASH}$")]
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Place = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]


class _Table(BaseModel):
    """A part of a record: what it holds is of its kind and range; other keys do not matter."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Input(_Table):
    path: Text
    sha256: Hash
    from_record: Text = ""


class _Model(_Table):
    name: Text
    image_size: Annotated[int, Field(ge=0, le=4096)] = 0
    parts: Annotated[dict[str, Annotated[str, Field(max_length=200)]], AfterValidator(_known)] = {}
    weights: dict[str, Hash] = {}


class _Settings(_Table):
    """Every option that a record has; those younger than it have their defaults."""

    n: Annotated[int, Field(ge=0, le=LARGEST)]
    steps: Annotated[int, Field(ge=0, le=LARGEST)]
    eta: Annotated[float, Field(ge=0, le=1)]
    sampler: Literal["ddim", "ddpm", "dpm++"]
    guidance: Annotated[float, Field(ge=0, le=10)] = 0.0
    seed: Whole
    samples: Annotated[int, Field(ge=-LARGEST, le=MOST_SAMPLES)]
    aligned: bool
    faces: Text
    min_face: Real
    batch: Whole
    strength: Real = 1.0
    upscale: Whole = 1
    gray: Text = "auto"
    auto_n: bool = False
    choose: Text = ""
    keep_detail: bool = False
    grain: bool = False
    gate: Text = "off"
    trust: Whole = 1
    guide: Annotated[float, Field(ge=0, le=10)] = 0.0
    gamma: Annotated[float, Field(ge=0, le=LARGEST)] = 0.5
    refine: Literal["closed-form", "gradient"] = "closed-form"
    keep_known: bool = True
    fill_rest: bool = True
    desaturate: bool = False
    quality: Annotated[int, Field(ge=1, le=100)]
    detect_size: Annotated[int, Field(ge=64, le=1 << 16)] | None = None
    device: Text
    precision: Literal["float32", "tf32", "bfloat16", "float16"]
    compiled: bool = False


class _Given(_Table):
    box: Annotated[list[Place], Field(min_length=4, max_length=4)]
    landmarks: Annotated[list[Place], Field(min_length=10, max_length=10)]

    def face(self) -> Face:
        landmarks = np.array(self.landmarks).reshape(5, 2)
        try:
            similarity(landmarks, 256)
        except FaceError:
            raise ValueError("is no face") from None
        x0, y0, x1, y1 = self.box
        return Face((x0, y0, x1, y1), landmarks, 1.0)


class _Wish(_Table):
    source: Text | None = None
    threshold: Annotated[float, Field(ge=0, le=1)]
    invert: bool
    grow: Annotated[int, Field(ge=0, le=1 << 16)]


class _Mask(_Table):
    wish: _Wish
    sha256: Hash
    faces: list[_Given] = []  # where records of schema 1 have those given by hand


class _Face(_Table):
    index: Annotated[int, Field(ge=0, le=LARGEST)]
    seeds: list[Annotated[int, Field(ge=0, lt=1 << 63)]] = []


class _Reference(_Table):
    path: Text
    sha256: Hash


class _Record(_Table):
    schema_: Annotated[int, Field(alias="schema", ge=1, le=SCHEMA)]
    input: _Input
    outputs: list[Annotated[Text, Field(min_length=1)]]
    output_sha256: list[Hash] = []
    model: _Model
    settings: _Settings
    mask: _Mask | None = None
    by_hand: list[_Given] = []
    faces: list[_Face] = []
    references: list[_Reference] = []
    versions: dict[str, Annotated[str, Field(max_length=200)]] = {}


@dataclass(frozen=True)
class Run:
    """A run as its record tells of it.

    Attributes:
        task: with all that was chosen about it.
        record: the record's file.
        photo, sha256: the input as it was named, and the hash of its file.
        from_record: the input's path from the record's folder; empty in old records.
        outputs: the results as they were named, one a sample, and perhaps a sheet.
        output_sha256: hashes of the results' files; empty in old records.
        model, image_size: its name and the side of its faces; 0 in old records.
        parts, weights: part → weights' name, and that → hash at its source.
        seeds: index of a face → those of its noise.
        holes_sha256: of the holes that were filled, see `tasks.inpaint.hash_of`; empty for none.
        device, precision, compiled: what it was computed on, in ("fp32", …), and how.
        versions: of libraries and machine.
        references: photos of the person that samples were chosen or guided by, path and hash.
    """

    task: Task
    record: Path
    photo: str
    sha256: str
    from_record: str
    outputs: tuple[str, ...]
    output_sha256: tuple[str, ...]
    model: str
    image_size: int
    parts: Mapping[str, str]
    weights: Mapping[str, str]
    options: Options
    seeds: Mapping[int, tuple[int, ...]]
    holes_sha256: str
    quality: int
    detect_size: int
    device: str
    precision: str
    compiled: bool
    versions: Mapping[str, str]
    references: tuple[tuple[str, str], ...]


def read(path: Path) -> Run:
    """The run that a record tells of.

    Raises:
        RecordError: for a file that is no record, a broken one, or one that does not hold all
            that the run followed from.
    """
    values = _json(path)
    if values.get("schema") not in range(1, SCHEMA + 1) or isinstance(values["schema"], bool):
        raise RecordError(
            f"{path} is no record of a result that this version can read.",
            "Give the NAME.json that lies beside a result.",
        )
    if "sweep" in values:
        raise RecordError(
            f"{path} is the record of a sweep's cells, pasted.", "Run difface apply again."
        )
    if isinstance(values.get("mask"), dict) and "wish" not in values["mask"]:
        raise RecordError(
            f"{path} was written before records told all about the holes.",
            "Run difface inpaint again as it was; its record can be repeated.",
        )
    where = f"The record {path} cannot be repeated"
    record = validated(_Record, values, where, RecordError, GIVE)
    try:
        return _run(path, record, _task_name(values))
    except ValueError as error:
        raise RecordError(f"{where}: it {error}.", GIVE) from None


def _run(path: Path, record: _Record, task: str) -> Run:
    settings, model, options = record.settings, record.model, _options(record)
    for key in NEEDED_OF_TASK[task]:
        if key not in settings.model_fields_set:
            raise ValueError(f"has no settings.{key}")
    if len(record.outputs) < options.results:
        raise ValueError(f"names {len(record.outputs)} of {options.results} outputs")
    if len(record.output_sha256) not in (0, options.results):
        raise ValueError("does not hold a hash for each result")
    return Run(
        task=_task(record, task),
        record=path,
        photo=record.input.path,
        sha256=record.input.sha256,
        from_record=record.input.from_record,
        outputs=tuple(record.outputs),
        output_sha256=tuple(record.output_sha256),
        model=model.name,
        image_size=model.image_size,
        parts=model.parts,
        weights=model.weights,
        options=options,
        seeds={face.index: tuple(face.seeds) for face in record.faces if face.seeds},
        holes_sha256=record.mask.sha256 if record.mask else "",
        quality=settings.quality,
        detect_size=settings.detect_size or 1280,
        device=settings.device.partition(":")[0],
        precision=PRECISIONS[settings.precision],
        compiled=settings.compiled,
        versions=record.versions,
        references=tuple((photo.path, photo.sha256) for photo in record.references),
    )


def _options(record: _Record) -> Options:
    settings, given = record.settings, record.by_hand or (record.mask.faces if record.mask else [])
    own = {f.name for f in fields(Options)} & set(_Settings.model_fields)
    return Options(
        settings=Settings(
            settings.n, settings.steps, settings.eta, settings.sampler, settings.guidance
        ),
        by_hand=tuple(face.face() for face in given),
        **{name: getattr(settings, name) for name in own},
    )


def _task_name(values: Mapping[str, Any]) -> str:
    """What the run did; records of before were told apart by what only one task has."""
    told = "restore"
    settings = values.get("settings")
    if "mask" in values:
        told = "inpaint"
    elif isinstance(settings, dict) and "desaturate" in settings:
        told = "colorize"
    task = values.get("task", told)
    if task not in TASKS or (task == "inpaint") != ("mask" in values):
        raise ValueError(f"tells of another task than {', '.join(TASKS)}")
    return str(task)


def _task(record: _Record, name: str) -> Task:
    settings = record.settings
    refinement = Refinement(settings.gamma, settings.refine)
    if name == Inpaint.name and record.mask is not None:
        wish = holes.Wish(**record.mask.wish.model_dump())
        return Inpaint(wish, refinement, settings.keep_known, settings.fill_rest)
    return Colorize(refinement, settings.desaturate) if name == Colorize.name else Restore()


def _json(path: Path) -> dict[str, Any]:
    """The object that a file holds."""
    unreadable = RecordError(
        f"{path} cannot be read as a record.", "Give the NAME.json that lies beside a result."
    )
    if not path.exists():
        raise RecordError(f"{path} does not exist.", "Check the path and its spelling.")
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_RECORD:
            raise unreadable
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise unreadable from None
    if not isinstance(values, dict):
        raise unreadable
    return values
