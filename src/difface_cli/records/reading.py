"""A record beside a result, read back as the run that it tells of.

A record may come from anywhere, with a photo by mail, say. Nothing in it is believed before its
kind and range were checked, it is told apart from the file it names by that file's hash, and no
path of it is ever written to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from difface_cli.base.errors import FaceError, RecordError
from difface_cli.base.tables import LARGEST, LONGEST_TEXT, REQUIRED, RecordTable
from difface_cli.faces.align import similarity
from difface_cli.faces.detect import Face
from difface_cli.method import difface
from difface_cli.method.difface import Refinement, Settings
from difface_cli.records.sidecar import SCHEMA
from difface_cli.tasks.holes import Wish
from difface_cli.tasks.options import Options
from difface_cli.weights.registry import HASH, HASH_MEANING, PARTS

TASKS = ("restore", "inpaint", "colorize")
LARGEST_RECORD = 1 << 26  # bytes; no run writes a longer one
FARTHEST = 1e6  # pixels; no photo has a side so long
MOST_SAMPLES = 1000
NEEDED = ("seed", "samples", "aligned", "faces", "min_face", "batch")
NEEDED_OF_TASK: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"restore": ("strength", "upscale", "gray"), "inpaint": ("gray",), "colorize": ("strength",)}
)
PRECISIONS: Mapping[str, str] = MappingProxyType(
    {"float32": "fp32", "tf32": "tf32", "bfloat16": "bf16", "float16": "fp16"}
)
"""What a record calls a precision → what `models.resolve_precision` does."""


@dataclass(frozen=True)
class Fill:
    """What a filling has beside the options of all runs.

    Attributes:
        wish: where its holes were taken from.
        sha256: of the holes, see `sidecar.hash_of`.
        faces: those that were given by hand.
    """

    wish: Wish
    sha256: str
    keep_known: bool
    fill_rest: bool
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class Run:
    """A run as its record tells of it.

    Attributes:
        task: one of `TASKS`.
        record: the record's file.
        photo, sha256: the input as it was named, and the hash of its file.
        from_record: the input's path from the record's folder; empty in old records.
        outputs: the results as they were named, one a sample, and perhaps a sheet.
        output_sha256: hashes of the results' files; empty in old records.
        model, image_size: its name and the side of its faces; 0 in old records.
        parts, weights: part → weights' name, and that → hash at its source.
        refinement: of fillings and colourings.
        device, precision, compiled: what it was computed on, in ("fp32", …), and how.
        versions: of libraries and machine.
        references: photos of the person that samples were chosen by, path and hash.
    """

    task: str
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
    refinement: Refinement
    desaturate: bool
    fill: Fill | None
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
    root = RecordTable(path, "", _json(path))
    if root.number("schema", 0, -LARGEST, LARGEST) != SCHEMA:
        raise RecordError(
            f"{path} is no record of a result that this version can read.",
            "Give the NAME.json that lies beside a result.",
        )
    if "sweep" in root.values:
        raise RecordError(
            f"{path} is the record of a sweep's cells, pasted.", "Run difface apply again."
        )
    task = _task(root)
    photo, model, settings = root.table("input"), root.table("model"), root.table("settings")
    missing = [key for key in (*NEEDED, *NEEDED_OF_TASK[task]) if key not in settings.values]
    if missing:
        raise settings.error(missing[0], "is missing")
    chosen, outputs = _options(settings), _texts(root, "outputs")
    if len(outputs) < chosen.results:
        raise root.error("outputs", f"are {len(outputs)} of {chosen.results}")
    return Run(
        task=task,
        record=path,
        photo=photo.short("path"),
        sha256=photo.pattern("sha256", HASH, HASH_MEANING, required=True),
        from_record=photo.short("from_record", ""),
        outputs=outputs,
        output_sha256=_hashes(root, chosen.results),
        model=model.short("name"),
        image_size=model.number("image_size", 0, 0, 4096),
        parts=_parts(model),
        weights=model.strings("weights", HASH, HASH_MEANING),
        options=chosen,
        refinement=Refinement(
            settings.real("gamma", Refinement().gamma, 0, LARGEST),
            settings.choice("refine", ("closed-form", "gradient"), Refinement().how),
        ),
        desaturate=settings.flag("desaturate", False),
        fill=_fill(root, settings) if task == "inpaint" else None,
        quality=settings.number("quality", REQUIRED, 1, 100),
        detect_size=_detect_size(settings),
        device=settings.short("device").partition(":")[0],
        precision=PRECISIONS[settings.choice("precision", tuple(PRECISIONS))],
        compiled=settings.flag("compiled", False),
        versions=root.strings("versions", r"(?s).{0,200}", "a version"),
        references=_references(root),
    )


def _references(root: RecordTable) -> tuple[tuple[str, str], ...]:
    entries = root.array("references") if "references" in root.values else []
    return tuple(
        (entry.short("path"), entry.pattern("sha256", HASH, HASH_MEANING, required=True))
        for entry in entries
    )


def _json(path: Path) -> Mapping[str, Any]:
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


def _task(root: RecordTable) -> str:
    """What the run did; records of before were told apart by what only one task has."""
    told = "restore"
    if "mask" in root.values:
        told = "inpaint"
    elif "desaturate" in root.table("settings").values:
        told = "colorize"
    return root.choice("task", TASKS, told)


def _options(settings: RecordTable) -> Options:
    """Every option that the record has; those younger than it have their defaults."""
    method = Settings(
        n=settings.number("n", REQUIRED, 1, LARGEST),
        steps=settings.number("steps", REQUIRED, 1, LARGEST),
        eta=settings.real("eta", REQUIRED, 0, 1),
        sampler=settings.choice("sampler", difface.SAMPLERS),
    )
    default = Options()
    chosen = {
        field.name: settings.typed(field.name, getattr(default, field.name))
        for field in fields(Options)
        if field.name != "settings"
    }
    if chosen["samples"] > MOST_SAMPLES:
        raise settings.error("samples", "is more than anybody asks for")
    return Options(settings=method, **chosen)


def _parts(model: RecordTable) -> Mapping[str, str]:
    parts = model.strings("parts", r"(?s).{1,200}", "a name")
    if unknown := [part for part in parts if part not in PARTS]:
        raise model.error(f"parts.{unknown[0][:40]}", "is no part of a model")
    return parts


def _detect_size(settings: RecordTable) -> int:
    """The detector's size; null where there was none."""
    if settings.values.get("detect_size", None) is None:
        return 1280
    return settings.number("detect_size", REQUIRED, 64, 1 << 16)


def _fill(root: RecordTable, settings: RecordTable) -> Fill:
    mask = root.table("mask")
    if "wish" not in mask.values:
        raise RecordError(
            f"{root.path} was written before records told all about the holes.",
            "Run difface inpaint again as it was; its record can be repeated.",
        )
    wish = mask.table("wish")
    source = None if wish.values.get("source", None) is None else wish.short("source")
    return Fill(
        wish=Wish(
            source,
            wish.real("threshold", REQUIRED, 0, 1),
            wish.flag("invert", REQUIRED),
            wish.number("grow", REQUIRED, 0, 1 << 16),
        ),
        sha256=mask.pattern("sha256", HASH, HASH_MEANING, required=True),
        keep_known=settings.flag("keep_known", True),
        fill_rest=settings.flag("fill_rest", True),
        faces=_faces(mask),
    )


def _faces(mask: RecordTable) -> tuple[Face, ...]:
    """Faces that were given by hand."""
    entries = mask.array("faces") if mask.values.get("faces") else []
    faces = []
    for entry in entries:
        box = entry.numbers("box", REQUIRED, -FARTHEST, FARTHEST)
        points = entry.numbers("landmarks", REQUIRED, -FARTHEST, FARTHEST)
        if len(box) != 4 or len(points) != 10:
            raise entry.error(None, "is no face")
        landmarks = np.array(points).reshape(5, 2)
        try:
            similarity(landmarks, 256)
        except FaceError:
            raise entry.error(None, "is no face") from None
        x0, y0, x1, y1 = box
        faces.append(Face((x0, y0, x1, y1), landmarks, 1.0))
    return tuple(faces)


def _texts(root: RecordTable, key: str) -> tuple[str, ...]:
    values = root.value(key, list, [])
    fine = all(isinstance(v, str) and v and "\0" not in v for v in values)
    if not fine or any(len(v) > LONGEST_TEXT for v in values):
        raise root.error(key, "is no list of files")
    return tuple(values)


def _hashes(root: RecordTable, count: int) -> tuple[str, ...]:
    values = _texts(root, "output_sha256")
    if len(values) not in (0, count) or not all(re.fullmatch(HASH, v) for v in values):
        raise root.error("output_sha256", "does not hold a hash for each result")
    return values
