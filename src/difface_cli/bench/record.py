"""What a model costs here: measured, and put in a record."""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from typing import Any

import torch

from difface_cli import __version__
from difface_cli.base.errors import UsageError
from difface_cli.base.machine import processor
from difface_cli.bench.timing import (
    GIGA,
    PRIOR,
    Call,
    Timing,
    Way,
    a_face,
    matrix_peak,
    measure,
    prepare,
)
from difface_cli.tasks import costs
from difface_cli.weights.registry import Model, Registry

log = logging.getLogger(__name__)

PLAIN = Way("plain", torch.float32, plain=True)

Record = dict[str, Any]


@dataclass(frozen=True)
class Wishes:
    """How to measure.

    Attributes:
        ways: the tool's own first.
        steps: calls of the prior for a face.
        batch: faces a call.
        rounds: calls of each network.
        untrained: whether weights are random.
    """

    device: torch.device
    ways: tuple[Way, ...]
    steps: int
    batch: int = 1
    rounds: int = 5
    untrained: bool = False


def measured(registry: Registry, model: Model, wishes: Wishes) -> Record:
    """Measure; all of it, JSON-ready.

    Raises:
        UsageError: for a model that restores nothing, or steps that do not fit.
        WeightsInvalid, RegistryError, DeviceError: see `inference`.
    """
    if registry.part(model, PRIOR) is None:
        raise UsageError(
            f"The model {model.name} has no prior to measure.",
            "Take one for restoring, such as starter or difface-512.",
        )
    if wishes.steps < 1:
        raise UsageError(f"--steps must be 1 or more, not {wishes.steps}.", "Leave it out.")
    calls: list[Call] = []
    memory = 0
    for way in wishes.ways:
        calls += prepare(
            registry,
            model,
            wishes.device,
            way,
            batch=wishes.batch,
            untrained=wishes.untrained,
        )
        memory = memory or costs.memory_peak(wishes.device)  # of the first way alone
    if not wishes.untrained and any(call.untrained for call in calls):
        log.warning("%s is not on this machine: random weights, which are as fast.", model.name)
    peaks = {w.dtype: matrix_peak(wishes.device, w.dtype) for w in wishes.ways}
    timings = measure(calls, wishes.device, wishes.rounds)
    return _record(model, wishes, timings, peaks, memory)


def _record(
    model: Model,
    wishes: Wishes,
    timings: list[Timing],
    peaks: dict[torch.dtype, float],
    memory: int,
) -> Record:
    """Everything measured, JSON-ready."""
    ways = []
    for way in wishes.ways:
        own = [t for t in timings if t.call.way == way]
        seconds = a_face({t.call.part: t.seconds for t in own}, wishes.steps, wishes.batch)
        warm_up = sum(t.call.first - t.seconds for t in own)
        ways.append(
            {
                "way": way.name,
                "precision": _name(way.dtype),
                "peak_gflops": round(peaks[way.dtype] / GIGA, 1),
                "networks": [_network(t, peaks[way.dtype]) for t in own],
                "seconds_a_face": seconds,
                "seconds_of_warm_up": warm_up,
            }
        )
    return {
        "machine": machine(wishes.device),
        "model": model.name,
        "random_weights": any(t.call.untrained for t in timings),
        "size": model.image_size,
        "steps": wishes.steps,
        "batch": wishes.batch,
        "rounds": wishes.rounds,
        "memory_bytes": memory,
        "ways": ways,
    }


def _network(timing: Timing, peak: float) -> Record:
    flops = timing.call.flop / timing.seconds
    return {
        "part": timing.call.part,
        "gflop": round(timing.call.flop / GIGA, 4),
        "seconds_a_call": timing.seconds,
        "gflops": round(flops / GIGA, 1),
        "share_of_peak": round(flops / peak, 3),
        "relative_difference_to_plain": timing.error,
    }


def machine(device: torch.device) -> Record:
    """What was measured on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "difface": __version__,
    }


def _name(dtype: torch.dtype) -> str:
    return {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[dtype]
