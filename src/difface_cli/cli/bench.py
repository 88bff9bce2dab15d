"""`difface bench`: how fast this machine restores faces."""

from __future__ import annotations

from typing import Annotated

import typer

from difface_cli.cli import shared

METHOD, MACHINE = shared.METHOD, shared.MACHINE


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
    from difface_cli.bench import Way
    from difface_cli.cli import benching
    from difface_cli.models import resolve_device, resolve_precision
    from difface_cli.weights import registry

    known = registry.load(models)
    place = resolve_device(device.value)
    dtype = resolve_precision(precision.value, place)
    ways = [Way("difface", dtype)]
    if compiled:
        ways.append(Way("compiled", dtype, compiled=True))
    chosen = known.model(model)
    benching.run(
        known,
        chosen,
        benching.Wishes(
            device=place,
            ways=tuple(ways) + (benching.PLAIN,) * compare,
            steps=chosen.steps if steps is None else steps,
            batch=batch,
            rounds=rounds,
            untrained=untrained,
            as_json=as_json,
        ),
    )
