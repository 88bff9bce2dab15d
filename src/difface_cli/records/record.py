"""The record beside each finished photo: how to repeat the run, and what was invented."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

import torch

from difface_cli import __version__
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.tasks import Found, Result, Task
from difface_cli.tasks.options import Options
from difface_cli.trust.choosing import Choice
from difface_cli.trust.measures import Trust

SCHEMA = 2
LIBRARIES = ("torch", "torchvision", "facexlib", "opencv-python", "numpy", "pillow", "safetensors")
OF_OPTIONS = tuple(f.name for f in fields(Options) if f.name not in ("settings", "by_hand"))

Record = dict[str, Any]


@dataclass(frozen=True)
class Files:
    """What a photo was read from and written to.

    Attributes:
        source, outputs: names, as the user gave them.
        sha256: of the input's bytes.
        quality: of JPEG and WebP files.
    """

    source: str
    sha256: str
    outputs: Sequence[str] = ()
    quality: int = 95


def record(
    result: Result, ready: Ready, task: Task, options: Options, files: Files, seconds: float
) -> Record:
    """One photo's run as JSON-ready data.

    Args:
        seconds: for the whole photo, reading and writing included.
    """
    chosen = settings(ready, options) | task.settings() | {"quality": files.quality}
    for unused in task.unused:
        del chosen[unused]
    by_hand = [_given(face) for face in options.by_hand]
    return {
        **head(task.name, task.notice, result.photos[0], files),
        "model": {
            "name": ready.model.name,
            "parts": dict(ready.model.parts),
            "weights": dict(ready.hashes),
            "image_size": ready.model.image_size,
        },
        **_references(ready),
        "settings": chosen,
        **({"by_hand": by_hand} if by_hand else {}),
        **task.notes(result, options),
        "faces": [face(found) for found in result.faces],
        "seconds": _seconds(seconds, result.seconds),
        "versions": versions(),
    }


def head(task: str, notice: str, photo: Photo, files: Files) -> Record:
    """What every record begins with."""
    return {
        "schema": SCHEMA,
        "task": task,
        "notice": notice,
        "difface": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {"path": files.source, "sha256": files.sha256},
        "outputs": list(files.outputs),
        "size": [photo.width, photo.height],
    }


def timeless(entry: Mapping[str, Any]) -> Record:
    """A record without what differs when the same run is done again."""
    return {key: value for key, value in entry.items() if key not in ("created", "seconds")}


def _given(given: Face) -> Record:
    """A face that the user gave. Not rounded: what is drawn follows from it to the last bit."""
    return {"box": list(given.box), "landmarks": given.landmarks.ravel().tolist()}


def _references(ready: Ready) -> Record:
    """The photos of the person that samples were chosen or guided by, where there were any."""
    knowing = (ready.likeness, ready.recognition)
    sources = next((one.sources for one in knowing if one and one.sources), ())
    if not sources:
        return {}
    return {"references": [{"path": path, "sha256": digest} for path, digest in sources]}


def _seconds(total: float, stages: Mapping[str, float]) -> dict[str, float]:
    return {"total": round(total, 3)} | {k: round(taken, 3) for k, taken in stages.items()}


def settings(ready: Ready, options: Options) -> Record:
    """Every choice of the method and the faces that bears on the result."""
    chosen = {name: getattr(options, name) for name in OF_OPTIONS}
    return {
        **asdict(options.settings),
        **chosen,
        "detect_size": ready.detector.detect_size if ready.detector else None,
        "device": str(ready.device),
        "precision": _precision(ready),
        "compiled": ready.compiled,
    }


def _precision(ready: Ready) -> str:
    """What the networks compute in: the dtype, or "tf32" where its products are rounded so."""
    rounded = ready.device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32
    if rounded and ready.dtype is torch.float32:
        return "tf32"
    return str(ready.dtype).removeprefix("torch.")


def face(found: Found) -> Record:
    """One face: where it is, whether it was restored (filled, coloured), and if not, why."""
    entry: Record = {
        "index": found.index,
        "box": [round(float(v), 2) for v in found.face.box],
        # Not rounded: pasting follows from them.
        "landmarks": [[float(v) for v in point] for point in found.face.landmarks],
        "score": round(float(found.face.score), 4),
        "restored": not found.skipped,
        "skipped": found.skipped or None,
        "seeds": list(found.seeds),
    }
    if found.start is not None:
        severity = found.start.severity
        entry["auto_n"] = {
            "n": found.start.n,
            "width": round(severity.width, 2),
            "noise": round(severity.noise, 2),
        }
    if found.choice is not None:
        entry["choice"] = _choice(found.choice)
    if found.refused:
        entry["refused"] = {str(k): reason for k, reason in found.refused.items()}
    if found.trust is not None:
        entry["trust"] = trust(found, found.trust)
    return entry


def _choice(choice: Choice) -> Record:
    """Which sample was kept and why."""
    scores = [round(score, 4) for score in choice.scores]
    return {"sample": choice.sample, "by": choice.by, "scores": scores}


def trust(found: Found, measured: Trust) -> Record:
    """How far one drawn face can be trusted, see `trust.Trust`; the shift in per cent."""
    fitted, consistency = measured.consistency.severity, measured.consistency
    before, after = measured.sharpness
    shift = math.inf if measured.shift is None else measured.shift
    found_again = math.isfinite(shift)
    return {
        "consistency": {
            "psnr": round(consistency.psnr, 2),
            "width": round(fitted.width, 2),
            "blur": round(fitted.blur, 2),
            "scale": round(fitted.scale, 2),
            "noise": round(fitted.noise, 2),
            "jpeg": consistency.quality,
        },
        "sharpness": {"before": round(before, 2), "after": round(after, 2)},
        "face_found": None if measured.shift is None else found_again,
        "landmark_shift": round(100 * shift, 2) if found_again else None,
        "samples": measured.samples,
        "variation": None if measured.variation is None else round(measured.variation, 2),
        "identity": None if measured.identity is None else round(measured.identity, 4),
        "alike": None
        if measured.alike is None
        else {
            "distance": round(measured.alike.distance, 3),
            "estimate": round(measured.alike.estimate, 3),
            "told": measured.alike.told,
        },
        "doubt": found.doubt or None,
    }


def versions() -> Mapping[str, str]:
    """What the result was computed with."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        # The order of sums, and so the last bits of a result, can follow from these two.
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        **_libraries(),
    }


@cache
def _libraries() -> dict[str, str]:
    """Read once, for each photo has its record."""
    found = {}
    for library in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found
