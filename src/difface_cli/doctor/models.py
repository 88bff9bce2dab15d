"""Checks of the models: their list, their weights, and a tiny restoration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from difface_cli.base.errors import DifFaceError
from difface_cli.doctor.findings import FAILED, NOTE, OK, Finding

if TYPE_CHECKING:
    from difface_cli.images import Photo
    from difface_cli.weights.registry import Registry, Weights

STEPS, N = 2, 100  # of the tiny restoration


def known(registry: Registry) -> Iterator[Finding]:
    """The list of models."""
    from difface_cli.weights import registry as registries

    own = os.environ.get(registries.ENVIRONMENT)
    told = f"{len(registry.models)} models" + (f", those of {own} among them" if own else "")
    yield Finding("models.toml", OK, told)


def weights(registry: Registry) -> Iterator[Finding]:
    """Every file of weights: hashed where it is here, named where it is not."""
    absent = []
    for entry in registry.weights.values():
        finding = _weights(entry)
        if finding is None:
            absent.append(entry.name)
        else:
            yield finding
    if absent:
        hint = "Fetch what you need, the models are in: difface fetch-weights --list"
        yield Finding("weights", NOTE, f"not here: {', '.join(absent)}", hint)


def _weights(entry: Weights) -> Finding | None:
    """None for weights that can be fetched and were not."""
    from difface_cli.base.errors import WeightsMissing
    from difface_cli.weights import store

    name = f"weights {entry.name}"
    try:
        path = store.verified(entry)
    except WeightsMissing as error:
        return None if entry.remote else Finding(name, FAILED, error.message, error.hint)
    except DifFaceError as error:
        return Finding(name, FAILED, error.message, error.hint)
    except OSError as error:
        hint = "Check the file's permissions, or fetch it again."
        return Finding(name, FAILED, f"cannot be read: {error.strerror}", hint)
    return Finding(name, OK, f"verified, {path.stat().st_size / 1e6:.1f} MB")


def restoration(registry: Registry) -> Iterator[Finding]:
    """A face drawn by hand, restored by the starter in a few steps on the fastest device."""
    import time

    import numpy as np

    from difface_cli import models
    from difface_cli.images import rgb8
    from difface_cli.tasks import Engine, Restore, options

    start = time.perf_counter()
    device = models.resolve_device("auto")
    dtype = models.resolve_precision("auto", device)
    ready = models.load(registry, registry.model("starter", "restore"), device, dtype)
    photo = _face(ready.model.image_size)
    settings = options.settings(ready.model, N, STEPS, None, "ddim")
    wishes = options.Options(settings=settings, aligned=True, gray="off")
    engine = Engine(ready, Restore(), wishes)
    result = engine.run(engine.task.scene(photo, "", ""))
    before, after = (rgb8(p).astype(float) for p in (photo, result.photos[0]))
    told = f"the starter on {device} in {str(dtype).removeprefix('torch.')}"
    changed = np.abs(after - before)
    if changed.max() == 0 or changed.mean() > 64 or np.ptp(after) < 64:
        told = f"{told} gives no face: {changed.mean():.1f} of 255 from the picture on average"
        hint = "Try --device cpu --precision fp32; if that helps, the device's driver is at fault."
        yield Finding("restoration", FAILED, told, hint)
        return
    yield Finding("restoration", OK, f"{told}, {time.perf_counter() - start:.1f} s")


def _face(size: int) -> Photo:
    """Something like a blurred face: a light oval with dark eyes and mouth, size×size."""
    import numpy as np

    from difface_cli.images import Photo

    y, x = np.mgrid[0:size, 0:size] / size
    shade = np.full((size, size), 0.25)
    for cx, cy, rx, ry, level in (
        *((0.5, 0.5, 0.32, 0.45, 0.75), (0.36, 0.45, 0.07, 0.04, 0.25)),
        *((0.64, 0.45, 0.07, 0.04, 0.25), (0.5, 0.73, 0.13, 0.04, 0.4)),
    ):
        away = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2
        inside = 1 / (1 + np.exp(np.minimum(8 * (away - 1), 50)))
        shade += inside * (level - shade)
    skin = np.array([1.0, 0.82, 0.72])
    return Photo((255 * shade[..., None] * skin).round().astype(np.uint8))
