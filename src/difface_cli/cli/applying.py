"""What `difface apply` does with a sweep."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from difface_cli import __version__, models
from difface_cli import tasks as pipeline
from difface_cli.base.errors import ImageError, OutputError, RegistryError
from difface_cli.base.progress import Progress
from difface_cli.cli import console, picks, restoring, running
from difface_cli.cli.outputs import Job
from difface_cli.cli.picks import Cell
from difface_cli.cli.running import Record
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.models import Parser
from difface_cli.models.background import Upscaler
from difface_cli.records import sidecar
from difface_cli.sweep import AXES
from difface_cli.sweep.folder import RECORD, read_face, read_record
from difface_cli.tasks import Found
from difface_cli.tasks.options import Options
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
    model = restoring.choose_parts(registry, model, parser=parser, background=background)
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
    as_json: bool = False


def run(job: Job, session: Session) -> None:
    """Paste the chosen cells, and write photo and record."""
    running.run([job], partial(_apply, session), as_json=session.as_json)


def _apply(session: Session, job: Job, progress: Progress) -> Record:
    start = time.perf_counter()
    swept, options = session.swept, session.options
    progress.stage("reading")
    source = running.read(job.source)
    if source.sha256 != swept.record["photo"]["sha256"]:
        raise ImageError(
            f"{job.source} is not the photo that was swept: its content differs.",
            "Name the photo of the sweep with --photo.",
        )
    with running.folder(job):
        found = _found(session, source.photo)
        cells = session.chosen.items()
        size = swept.record["model"]["image_size"]
        faces = {index: _face(swept.folder / cell["data"], size) for index, cell in cells}
        canvas = pipeline.enlarge(source.photo, size, options, session.tools.background, progress)
        progress.stage("pasting")
        photo = pipeline.put_back(source.photo, canvas, found, faces, options, session.tools.parser)
        record = {
            "schema": sidecar.SCHEMA,
            "task": "apply",
            "notice": sidecar.NOTICE,
            "difface": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "sweep": str(swept.folder),
            "input": {"path": job.source, "sha256": source.sha256},
            "outputs": [str(job.target)] if job.target else [],
            "size": [photo.width, photo.height],
            **_chosen(session, found),
            "gray": pipeline.loses_colour(source.photo, options),
            "seconds": {"total": round(time.perf_counter() - start, 3)},
            "versions": dict(swept.record["versions"]),
        }
        running.write(job, source, [photo], record, session.quality)
    if not session.as_json:
        _report(job, session.chosen)
    return {"status": "applied"} | record


def _face(path: Path, size: int) -> npt.NDArray[np.float32]:
    face = read_face(path)
    if len(face) != size:
        raise OutputError(
            f"The cell {path} has {len(face)} pixels, and its sweep {size}.",
            "Run difface sweep-n again.",
        )
    return face


def _found(session: Session, photo: Photo) -> list[Found]:
    """The sweep's faces, with the seeds that their noise had."""
    size = session.swept.record["model"]["image_size"]
    found = []
    for index, known in session.swept.faces.items():
        face = Face(tuple(known["box"]), np.array(known["landmarks"]), known["score"])
        cell = session.chosen.get(index)
        if cell is None:
            found.append(Found(index, face, "not chosen"))
            continue
        crop = pipeline.cut(photo, [Found(index, face)], size, session.options)[index]
        seed = difface.face_seed(cell["seed"], torch.from_numpy(crop).permute(2, 0, 1))
        found.append(Found(index, face, seeds=(seed,)))
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
        "faces": [sidecar.face(f) | {"cell": cells.get(f.index)} for f in found],
    }


def _report(job: Job, chosen: Mapping[int, Cell]) -> None:
    for index, cell in chosen.items():
        named = ", ".join(f"{axis} {cell[axis]}" for axis in AXES if axis != "estimator")
        console.plain(f"face {index}: {named}", stderr=job.target is None)
    target = job.files[0] if job.target else "stdout"
    console.plain(f"{job.source} → {target}", stderr=job.target is None)
