"""`difface bench`: how fast this machine restores faces."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from difface_cli.cli import console, shared

METHOD, MACHINE = shared.METHOD, shared.MACHINE

Record = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add `difface bench`."""
    app.command("bench")(bench)


def bench(
    model: shared.Model = "starter",
    models: shared.Models = None,
    steps: shared.Steps = None,
    untrained: Annotated[
        bool,
        typer.Option(
            "--random",
            help="Take random weights, which are as fast; so are those of a model not fetched.",
            rich_help_panel=METHOD,
        ),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Also run the networks as PyTorch does by itself, in float32."
        ),
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Also run them translated by torch.compile.")
    ] = False,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Calls of each network; the fastest counts.")
    ] = 5,
    batch: Annotated[
        int,
        typer.Option("--batch", min=1, help="Faces a network call.", rich_help_panel=MACHINE),
    ] = 1,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how fast this machine runs a model, to compare machines and settings.

    Prior and estimator are called on random pictures, in turn. FLOP are counted as the networks
    are written; the peak is what products of large matrices reach here in the same precision, so
    a share of 100 % would be a network without any other work.
    """
    from difface_cli.bench import record
    from difface_cli.bench.timing import Way
    from difface_cli.models import resolve_device, resolve_precision
    from difface_cli.weights import registry

    known = registry.load(models)
    place = resolve_device(device.value)
    dtype = resolve_precision(precision.value, place)
    ways = (
        Way("difface", dtype),
        *(Way("compiled", dtype, compiled=True),) * compiled,
        *(record.PLAIN,) * compare,
    )
    chosen = known.model(model)
    wishes = record.Wishes(
        place, ways, chosen.steps if steps is None else steps, batch, rounds, untrained
    )
    with console.warnings():
        measured = record.measured(known, chosen, wishes)
    if as_json:
        sys.stdout.write(json.dumps(measured, ensure_ascii=False) + "\n")
    else:
        _print(measured)


def _print(record: Record) -> None:
    """The table, and under it what holds for all of it."""
    heads = ("way", "what", "seconds", "GFLOP/s", "of peak", "faster", "differs")
    console.table(heads, _rows(record["ways"]), right=heads[2:])
    for line in _notes(record):
        console.plain(line)


def _rows(ways: list[Record]) -> Iterator[tuple[str, ...]]:
    """Each network of each way, and a face."""
    base = next((way for way in ways if way["way"] == "plain"), ways[0])
    for way in ways:
        if way is not ways[0]:
            yield ()
        name = f"{way['way']} {way['precision']}"
        for network, slow in zip(way["networks"], base["networks"], strict=True):
            seconds, error = network["seconds_a_call"], network["relative_difference_to_plain"]
            speed = f"{network['gflops']:.0f}", f"{100 * network['share_of_peak']:.0f} %"
            faster = "" if way is base else f"{slow['seconds_a_call'] / seconds:.2f}x"
            differs = f"{error:.1e}" if error else ""
            yield name, network["part"], _seconds(seconds), *speed, faster, differs
        seconds = way["seconds_a_face"]
        faster = "" if way is base else f"{base['seconds_a_face'] / seconds:.2f}x"
        yield name, "face", _seconds(seconds), "", "", faster, ""


def _notes(record: Record) -> list[str]:
    where = record["machine"]
    own, *others = record["ways"]
    peaks = {w["precision"]: w["peak_gflops"] for w in record["ways"]}
    reached = ", ".join(f"{peak:.0f} GFLOP/s in {name}" for name, peak in peaks.items())
    counted = " and ".join(f"{n['gflop']:.0f} GFLOP for the {n['part']}" for n in own["networks"])
    lines = [
        f"{record['model']} at {record['size']}, {record['steps']} steps a face, "
        f"{record['batch']} face{'s' * (record['batch'] > 1)} a call: {counted}.",
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


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"
