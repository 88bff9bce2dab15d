"""The record beside each restored photo: how to repeat the run, and what was invented."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from difface_cli import __version__
from difface_cli.models import Ready
from difface_cli.options import Options
from difface_cli.pipeline import Found, Restoration

SCHEMA = 1
NOTICE = (
    "Detail in restored faces is synthesised by a model. It may differ from the person's true "
    "appearance and is no evidence of identity."
)
LIBRARIES = ("torch", "torchvision", "facexlib", "opencv-python", "numpy", "pillow", "safetensors")


def record(
    result: Restoration,
    ready: Ready,
    options: Options,
    *,
    source: str,
    source_sha256: str,
    outputs: list[str],
    quality: int,
    seconds: float,
) -> dict[str, Any]:
    """One photo's run as JSON-ready data.

    Args:
        source, outputs: names of the files, as the user gave them.
        source_sha256: hash of the input's bytes.
        quality: of JPEG and WebP files.
        seconds: for the whole photo, reading and writing included.
    """
    first = result.photos[0]
    return {
        "schema": SCHEMA,
        "notice": NOTICE,
        "difface": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {"path": source, "sha256": source_sha256},
        "outputs": outputs,
        "size": [first.width, first.height],
        "model": {
            "name": ready.model.name,
            "parts": dict(ready.model.parts),
            "weights": dict(ready.hashes),
        },
        "settings": settings(ready, options) | {"quality": quality},
        "gray": result.gray,
        "faces": [face(found) for found in result.faces],
        "seconds": {"total": round(seconds, 3)}
        | {stage: round(taken, 3) for stage, taken in result.seconds.items()},
        "versions": versions(),
    }


def settings(ready: Ready, options: Options) -> dict[str, Any]:
    """Every choice that bears on the result."""
    method = options.settings
    return {
        "n": method.n,
        "steps": method.steps,
        "eta": method.eta,
        "sampler": method.sampler,
        "seed": options.seed,
        "samples": options.samples,
        "strength": options.strength,
        "aligned": options.aligned,
        "faces": options.faces,
        "min_face": options.min_face,
        "upscale": options.upscale,
        "gray": options.gray,
        "batch": options.batch,
        "detect_size": ready.detector.detect_size if ready.detector else None,
        "device": str(ready.device),
        "precision": str(ready.dtype).removeprefix("torch."),
    }


def face(found: Found) -> dict[str, Any]:
    """One face: where it is, whether it was restored, and if not, why."""
    return {
        "index": found.index,
        "box": [round(float(v), 2) for v in found.face.box],
        "landmarks": [[round(float(v), 2) for v in point] for point in found.face.landmarks],
        "score": round(float(found.face.score), 4),
        "restored": not found.skipped,
        "skipped": found.skipped or None,
        "seeds": list(found.seeds),
    }


def versions() -> Mapping[str, str]:
    """What the result was computed with."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
