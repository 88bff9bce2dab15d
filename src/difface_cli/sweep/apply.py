"""Chosen cells of a sweep, pasted into the photo."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from difface_cli import models
from difface_cli.base.errors import ImageError, OutputError, RegistryError
from difface_cli.base.progress import Progress
from difface_cli.faces.detect import Face
from difface_cli.method import difface
from difface_cli.models import Parser
from difface_cli.models.background import Upscaler
from difface_cli.records import record as records
from difface_cli.records.record import Files, Record
from difface_cli.runs import work
from difface_cli.runs.jobs import Job
from difface_cli.sweep import AXES, picks
from difface_cli.sweep.folder import RECORD, read_face, read_record
from difface_cli.sweep.picks import Cell
from difface_cli.tasks import Found, Restore, Scene
from difface_cli.tasks.finishing import enlarge
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import matrix, rank_of
from difface_cli.tasks.task import Pasting, Placed, loses_colour
from difface_cli.weights.registry import Model, Registry
from difface_cli.weights.store import fingerprint


@dataclass(frozen=True)
class Sweep:
    """A sweep as it lies on disk, and the photo it is of.

    Attributes:
        record: its sweep.json.
    """

    folder: Path
    photo: Path
    record: Mapping[str, Any]

    @property
    def faces(self) -> dict[int, Mapping[str, Any]]:
        """The faces that were swept, by their number in the photo."""
        return {face["index"]: face for face in self.record["faces"]}

    def choose(self, pick: str | None, by_face: Sequence[str]) -> dict[int, Cell]:
        """The cell that is meant for each face, see `picks.choose`."""
        return picks.choose({i: f["cells"] for i, f in self.faces.items()}, pick, by_face)


@dataclass(frozen=True)
class Tools:
    """What pasting needs beside faces, and the hashes of its weights."""

    parser: Parser | None
    background: Upscaler | None
    parts: Mapping[str, str]
    hashes: Mapping[str, str]


def read(folder: Path, photo: Path | None) -> Sweep:
    """A finished sweep.

    Args:
        photo: where the photo is now; None for where it was.

    Raises:
        OutputError: when there is no finished sweep.
    """
    record = read_record(folder)
    if record.get("status") != "finished":
        raise OutputError(
            f"The sweep in {folder} was not finished.",
            "Start the same difface sweep-n again: it goes on where it was.",
        )
    if not _is_whole(record):
        raise OutputError(
            f"The record {folder / RECORD} is damaged.",
            "Delete it and start the same difface sweep-n again in another folder.",
        )
    known = record["photo"]
    moved_along = Path(os.path.relpath(os.path.realpath(folder / known["from_folder"])))
    places = [moved_along, Path(known["path"])]
    found = photo or next((place for place in places if place.exists()), places[-1])
    return Sweep(folder, found, record)


def _is_whole(record: Mapping[str, Any]) -> bool:
    """Whether all that pasting takes from a record is there, and of its kind."""
    try:
        photo, model, settings = record["photo"], record["model"], record["settings"]
        texts = [photo["path"], photo["from_folder"], photo["sha256"], model["name"]]
        texts += [settings["gray"], *model["parts"].values(), *model["weights"].values()]
        numbers: list[Any] = [model["image_size"]]
        for face in record["faces"]:
            numbers += [face["index"], face["score"]]
            shapes = np.shape(face["box"]), np.shape(face["landmarks"])
            if (
                not face["cells"]
                or shapes != ((4,), (5, 2))
                or not np.isfinite(face["landmarks"]).all()
            ):
                return False
            for cell in face["cells"]:
                texts += [cell["data"], cell["estimator"]]
                numbers += [cell[axis] for axis in AXES if axis != "estimator"]
        kinds = (
            bool(record["faces"])
            and isinstance(settings["aligned"], bool)
            and isinstance(record["versions"], dict)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    alike = all(isinstance(text, str) for text in texts)
    return kinds and alike and all(isinstance(number, (int, float)) for number in numbers)


def load(
    swept: Sweep,
    registry: Registry,
    device: torch.device,
    parser: str | None,
    background: str | None,
) -> Tools:
    """Parser and background network: those named, else those of the sweep's model."""
    known = swept.record["model"]
    model = Model(known["name"], "restore", MappingProxyType(known["parts"]))
    model = models.with_parts(registry, model, parser=parser, background=background)
    absent = [model.parts[part] for part in ("parser", "background") if part in model.parts]
    if unknown := [name for name in absent if name not in registry.weights]:
        raise RegistryError(
            f"The weights {unknown[0]} of this sweep are in no models.toml.",
            "Name the file they are in with --models.",
        )
    outline, enlarger = registry.part(model, "parser"), registry.part(model, "background")
    return Tools(
        models.load_parser(outline, device) if outline else None,
        models.load_background(enlarger, device) if enlarger else None,
        model.parts,
        {weights.name: fingerprint(weights) for weights in (outline, enlarger) if weights},
    )


@dataclass(frozen=True)
class Session:
    """What is pasted, and how.

    Attributes:
        chosen: face → its cell.
    """

    swept: Sweep
    chosen: Mapping[int, Cell]
    options: Options
    tools: Tools
    quality: int = 95


def run(job: Job, session: Session, progress: Progress) -> Record:
    """Paste the chosen cells, and write photo and record.

    Returns:
        The record.

    Raises:
        ImageError: for another photo than the one that was swept.
        OutputError: for a cell that is missing or damaged.
    """
    start = time.perf_counter()
    swept, options, task = session.swept, session.options, Restore()
    progress.stage("reading")
    source = work.read(job.source)
    if source.sha256 != swept.record["photo"]["sha256"]:
        raise ImageError(
            f"{job.source} is not the photo that was swept: its content differs.",
            "Name the photo of the sweep with --photo.",
        )
    scene = task.scene(source.photo, job.source, source.sha256)
    with work.folder(job):
        found = _found(session, scene)
        size = swept.record["model"]["image_size"]
        canvas = enlarge(source.photo, size, options, session.tools.background, progress)
        progress.stage("pasting")
        pasting = Pasting(options, loses_colour(source.photo, options), session.tools.parser)
        faces = {f.index: f for f in found}
        placed = [
            _placed(faces[index], swept.folder / cell["data"], size, scene, options)
            for index, cell in session.chosen.items()
        ]
        photo = task.put_back(scene, canvas, placed, pasting)
        files = Files(job.source, source.sha256, [str(job.target)] if job.target else [])
        record = {
            **records.head("apply", task.notice, photo, files),
            "sweep": str(swept.folder),
            **_chosen(session, found),
            "gray": pasting.gray,
            "seconds": {"total": round(time.perf_counter() - start, 3)},
            "versions": dict(swept.record["versions"]),
        }
        work.write(job, source, [photo], record, session.quality)
    return {"status": "applied"} | record


def _placed(found: Found, path: Path, size: int, scene: Scene, options: Options) -> Placed:
    upright = matrix(scene.photo, found.face, size, options)
    return Placed(found, Restore().cut(scene, upright, size), _face(path, size))


def _face(path: Path, size: int) -> npt.NDArray[np.float32]:
    face = read_face(path)
    if len(face) != size:
        raise OutputError(
            f"The cell {path} has {len(face)} pixels, and its sweep {size}.",
            "Run difface sweep-n again.",
        )
    return face


def _found(session: Session, scene: Scene) -> list[Found]:
    """The sweep's faces, with the seeds that their noise had."""
    known = session.swept.record["faces"]
    every = [
        Found(face["index"], Face(tuple(face["box"]), np.array(face["landmarks"]), face["score"]))
        for face in known
    ]
    found = []
    for one, face in zip(every, known, strict=True):
        cell = session.chosen.get(one.index)
        if cell is None:
            found.append(replace(one, skipped="not chosen"))
            continue
        rank = face.get("rank", rank_of(every, one.index))
        seed = difface.noise_seed(cell["seed"], scene.sha256, rank)
        found.append(replace(one, seeds=(seed,)))
    return found


def _chosen(session: Session, found: Sequence[Found]) -> Record:
    """Model, settings, faces as in restore's record; settings that differ stand at the faces."""
    swept, options, tools = session.swept.record, session.options, session.tools
    cells = {index: {axis: cell[axis] for axis in AXES} for index, cell in session.chosen.items()}
    shared = {
        axis: next(iter(values)) if len(values) == 1 else None
        for axis in AXES
        if (values := {cell[axis] for cell in cells.values()})
    }
    weights = {name for part, name in tools.parts.items() if part != "estimator"}
    weights |= {cell["estimator"] for cell in cells.values()}
    hashes = {**swept["model"]["weights"], **tools.hashes}
    parts = dict(tools.parts)
    if estimator := shared.pop("estimator"):
        parts["estimator"] = estimator
    return {
        "model": {
            "name": swept["model"]["name"],
            "parts": parts,
            "weights": {name: hashes[name] for name in sorted(weights & set(hashes))},
            "image_size": swept["model"]["image_size"],
        },
        "settings": {
            **swept["settings"],
            **shared,
            "samples": 1,
            "strength": options.strength,
            "upscale": options.upscale,
            "gray": options.gray,
            "auto_n": options.auto_n,
            "choose": options.choose,
            "grain": options.grain,
            "keep_detail": options.keep_detail,
            "quality": session.quality,
        },
        "faces": [records.face(f) | {"cell": cells.get(f.index)} for f in found],
    }
