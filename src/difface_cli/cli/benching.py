"""What `difface bench` measures and prints."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from typing import Any

import torch

from difface_cli import __version__, bench
from difface_cli.base.errors import UsageError
from difface_cli.base.machine import processor
from difface_cli.bench import GIGA, PRIOR, Call, Timing, Way
from difface_cli.cli import console
from difface_cli.tasks import costs
from difface_cli.weights.registry import Model, Registry

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
    as_json: bool = False


def run(registry: Registry, model: Model, wishes: Wishes) -> None:
    """Measure, and print a table or JSON.

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
        calls += bench.prepare(
            registry,
            model,
            wishes.device,
            way,
            batch=wishes.batch,
            untrained=wishes.untrained,
        )
        memory = memory or costs.memory_peak(wishes.device)  # of the first way alone
    if not wishes.untrained and any(call.untrained for call in calls):
        console.warn(f"{model.name} is not on this machine: random weights, which are as fast.")
    peaks = {w.dtype: bench.matrix_peak(wishes.device, w.dtype) for w in wishes.ways}
    timings = bench.measure(calls, wishes.device, wishes.rounds)
    record = _record(model, wishes, timings, peaks, memory)
    if wishes.as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        _print(record)


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
        seconds = bench.a_face({t.call.part: t.seconds for t in own}, wishes.steps, wishes.batch)
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


def _print(record: Record) -> None:
    """The table, and under it what holds for all of it."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("way", "what"):
        table.add_column(heading, no_wrap=True)
    for heading in ("seconds", "GFLOP/s", "of peak", "faster", "differs"):
        table.add_column(heading, justify="right", no_wrap=True)
    ways = record["ways"]
    base = next((way for way in ways if way["way"] == PLAIN.name), ways[0])
    for way in ways:
        for row, slow in zip(_rows(way), _rows(base), strict=True):
            faster = "" if way is base else f"{slow['seconds'] / row['seconds']:.2f}x"
            name = f"{way['way']} {way['precision']}"
            table.add_row(name, row["what"], _seconds(row["seconds"]), *row["speed"], faster,
                          row["differs"])  # fmt: skip
        table.add_section()
    console.out().print(table)
    for line in _notes(record):
        console.plain(line)


def _rows(way: Record) -> list[Record]:
    """Each network, and a face."""
    rows = []
    for network in way["networks"]:
        error = network["relative_difference_to_plain"]
        speed = f"{network['gflops']:.0f}", f"{100 * network['share_of_peak']:.0f} %"
        rows.append(
            {
                "what": network["part"],
                "seconds": network["seconds_a_call"],
                "speed": speed,
                "differs": f"{error:.1e}" if error else "",
            }
        )
    face = {"what": "face", "seconds": way["seconds_a_face"], "speed": ("", ""), "differs": ""}
    return [*rows, face]


def _notes(record: Record) -> list[str]:
    where = record["machine"]
    own, *others = record["ways"]
    peaks = {w["precision"]: w["peak_gflops"] for w in record["ways"]}
    reached = ", ".join(f"{peak:.0f} GFLOP/s in {name}" for name, peak in peaks.items())
    counted = " and ".join(f"{n['gflop']:.0f} GFLOP for the {n['part']}" for n in own["networks"])
    lines = [
        f"{record['model']} at {record['size']}, {record['steps']} steps a face, "
        f"{_count(record['batch'])} a call: {counted}.",
        f"The peak, products of large matrices: {reached}.",
        f"Memory of this process: {record['memory_bytes'] / 2**30:.2f} GB at most"
        + (", with random weights made in float32." if record["random_weights"] else "."),
        f"{where['device']}, {where['processor']}, {where['threads']} threads, "
        f"torch {where['torch']}, {where['system']}",
    ]
    for way in others:
        saved = own["seconds_a_face"] - way["seconds_a_face"]
        if way["way"] == "compiled":
            cost = way["seconds_of_warm_up"]
            pays = f"pays from {cost / saved:.0f} faces on" if saved > 0 else "does not pay"
            lines.append(f"Compiling took {cost:.0f} s and {pays}.")
    return lines


def _count(faces: int) -> str:
    return f"{faces} face" + "s" * (faces > 1)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"


def _name(dtype: torch.dtype) -> str:
    return {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[dtype]
