"""What a restoration will cost, from one measured call of each network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.tasks.batches import default_batch
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Cut
from difface_cli.tasks.task import Task

MEGABYTE = 2**20


@dataclass(frozen=True)
class Cost:
    """An estimate: seconds for the networks' calls, and the most memory held, in bytes."""

    seconds: float
    memory: int


def estimate(photo: Photo, faces: int, ready: Ready, task: Task, options: Options) -> Cost:
    """Measure one call of estimator and prior, and count how many there will be."""
    results = photo.pixels.nbytes * options.upscale**2 * (options.samples + 1)
    if not faces:
        return Cost(0.0, memory_peak(ready.device) + results)
    batch = options.batch or default_batch(ready.device)
    size = ready.model.image_size
    x = torch.rand(batch, 3, size, size, device=ready.device)
    blank = np.zeros((size, size, 3), np.float32)
    cut = Cut(blank, np.eye(2, 3), blank[..., 0])
    t = options.settings.n - 1
    with torch.inference_mode():
        ready.denoise(x, t)  # the first call also chooses kernels
        estimator = _seconds(lambda: task.start([cut] * batch, [0] * batch, ready), ready.device)
        denoise = ready.prior(options.settings.guidance)
        prior = _seconds(lambda: denoise(x, t), ready.device)
    estimates = -(-faces // batch)
    chains = -(-faces * options.drawn // batch)
    seconds = estimates * estimator + chains * options.settings.steps * prior
    return Cost(seconds, memory_peak(ready.device) + results)


def memory_peak(device: torch.device) -> int:
    """The most memory this process has held so far, in bytes: the device's, or resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has no such counter
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
