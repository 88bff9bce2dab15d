"""The record beside each restored photo: how to repeat the run, and what was invented."""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import torch

from difface_cli import __version__
from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.tasks import Found, Restoration, colorizing
from difface_cli.tasks.holes import Holes, Wish
from difface_cli.tasks.inpainting import Filled, Wishes
from difface_cli.tasks.options import Options
from difface_cli.trust.choosing import Choice
from difface_cli.trust.measures import Trust

SCHEMA = 1
NOTICE = (
    "Detail in restored faces is synthesised by a model. It may differ from the person's true "
    "appearance and is no evidence of identity."
)
INVENTED = (
    "The colours are invented by a model. They tell nothing of the true colours and are no "
    "evidence of a person's appearance, origin or identity."
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
    chosen = settings(ready, options) | {"quality": quality}
    run = _run("restore", result.photos[0], ready, source, source_sha256, outputs)
    return run | {
        "settings": chosen,
        "gray": result.gray,
        "faces": [face(found) | _start(found, result) for found in result.faces],
        "seconds": _seconds(seconds, result.seconds),
        "versions": versions(),
    }


def filled(
    result: Filled,
    holes: Holes,
    wish: Wish,
    ready: Ready,
    wishes: Wishes,
    *,
    source: str,
    source_sha256: str,
    outputs: list[str],
    quality: int,
    seconds: float,
) -> dict[str, Any]:
    """One photo's filling as JSON-ready data; arguments as in `record`."""
    chosen = settings(ready, wishes.options) | {
        "gamma": wishes.refinement.gamma,
        "refine": wishes.refinement.how,
        "keep_known": wishes.keep_known,
        "fill_rest": wishes.fill_rest,
        "quality": quality,
    }
    for unused in ("strength", "upscale", "keep_detail", "grain", "choose", "auto_n"):
        del chosen[unused]
    faces = [face(found) for found in result.faces]
    for entry in faces:
        entry["filled"] = entry.pop("restored")
    run = _run("inpaint", result.photos[0], ready, source, source_sha256, outputs)
    return run | {
        "settings": chosen,
        "mask": {
            "source": holes.source,
            "share": round(holes.share, 6),
            "outside_faces": round(result.rest, 6),
            "wish": asdict(wish) | {"source": wish.source and holes.source},
            "sha256": hash_of(holes),
            "faces": [
                # Not rounded: what is drawn follows from them to the last bit.
                {"box": list(f.box), "landmarks": f.landmarks.ravel().tolist()}
                for f in wishes.faces
            ],
        },
        "gray": result.gray,
        "faces": faces,
        "seconds": _seconds(seconds, result.seconds),
        "versions": versions(),
    }


def coloured(
    result: Restoration, ready: Ready, wishes: colorizing.Wishes, **run: Any
) -> dict[str, Any]:
    """One photo's colouring as JSON-ready data; further arguments as in `record`."""
    entry = record(result, ready, wishes.options, **run)
    entry["task"] = "colorize"
    del entry["gray"]
    for unused in ("gray", "upscale", "keep_detail", "grain", "choose", "auto_n"):
        del entry["settings"][unused]
    entry["settings"] |= {
        "gamma": wishes.refinement.gamma,
        "refine": wishes.refinement.how,
        "desaturate": wishes.desaturate,
    }
    for found in entry["faces"]:
        found["coloured"] = found.pop("restored")
    return entry | {"notice": INVENTED}


def timeless(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what differs when the same run is done again."""
    return {key: value for key, value in entry.items() if key not in ("created", "seconds")}


def _run(
    task: str, photo: Photo, ready: Ready, source: str, source_sha256: str, outputs: list[str]
) -> dict[str, Any]:
    """What every record begins with."""
    return {
        "schema": SCHEMA,
        "task": task,
        "notice": NOTICE,
        "difface": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {"path": source, "sha256": source_sha256},
        "outputs": outputs,
        "size": [photo.width, photo.height],
        "model": {
            "name": ready.model.name,
            "parts": dict(ready.model.parts),
            "weights": dict(ready.hashes),
            "image_size": ready.model.image_size,
        },
    } | _references(ready)


def _references(ready: Ready) -> dict[str, Any]:
    """The photos of the person that samples were chosen by, where there were any."""
    if ready.likeness is None or not ready.likeness.sources:
        return {}
    sources = ready.likeness.sources
    return {"references": [{"path": path, "sha256": digest} for path, digest in sources]}


def hash_of(holes: Holes) -> str:
    """The sha256 of where a photo's holes are, whatever file told of them."""
    return hashlib.sha256(holes.weight.tobytes()).hexdigest()


def _seconds(total: float, stages: Mapping[str, float]) -> dict[str, float]:
    return {"total": round(total, 3)} | {k: round(taken, 3) for k, taken in stages.items()}


def settings(ready: Ready, options: Options) -> dict[str, Any]:
    """Every choice that bears on the result."""
    method = options.settings
    return {
        "n": method.n,
        "auto_n": options.auto_n,
        "steps": method.steps,
        "eta": method.eta,
        "sampler": method.sampler,
        "seed": options.seed,
        "samples": options.samples,
        "choose": options.choose,
        "strength": options.strength,
        "aligned": options.aligned,
        "faces": options.faces,
        "min_face": options.min_face,
        "upscale": options.upscale,
        "gray": options.gray,
        "batch": options.batch,
        "keep_detail": options.keep_detail,
        "grain": options.grain,
        "gate": options.gate,
        "trust": options.trust,
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


def face(found: Found) -> dict[str, Any]:
    """One face: where it is, whether it was restored, and if not, why."""
    entry: dict[str, Any] = {
        "index": found.index,
        "box": [round(float(v), 2) for v in found.face.box],
        "landmarks": [[round(float(v), 2) for v in point] for point in found.face.landmarks],
        "score": round(float(found.face.score), 4),
        "restored": not found.skipped,
        "skipped": found.skipped or None,
        "seeds": list(found.seeds),
    }
    if found.choice is not None:
        entry["choice"] = _choice(found.choice)
    if found.trust is not None:
        entry["trust"] = trust(found, found.trust)
    return entry


def _start(found: Found, result: Restoration) -> dict[str, Any]:
    """The N that was chosen for a face, and the blur that it follows from."""
    for crops in result.crops:
        if crops.index == found.index and crops.start is not None:
            return {"auto_n": {"n": crops.start.n, "width": round(crops.start.width, 2)}}
    return {}


def _choice(choice: Choice) -> dict[str, Any]:
    """Which sample was kept and why."""
    scores = [round(score, 4) for score in choice.scores]
    return {"sample": choice.sample, "by": choice.by, "scores": scores}


def trust(found: Found, measured: Trust) -> dict[str, Any]:
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
        "doubt": found.doubt or None,
    }


def versions() -> Mapping[str, str]:
    """What the result was computed with."""
    found = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        # The order of sums, and so the last bits of a result, can follow from these two.
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
