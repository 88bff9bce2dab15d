"""`difface replay`: a run repeated from its record, and held against its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import shared

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="Also write what comes out now, with a record. Default: nothing is written.",
        rich_help_panel=shared.OUTPUT,
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `difface replay`."""
    app.command("replay")(replay)


def replay(
    record: Annotated[Path, typer.Argument(help="The record beside a result, NAME.json.")],
    photo: Annotated[
        Path | None,
        typer.Option("--photo", metavar="FILE", help="Where the input is now, if it was moved."),
    ] = None,
    output: Output = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    models: shared.Models = None,
    device: Annotated[
        shared.Device | None,
        typer.Option(
            "--device",
            help="Where to compute. Default: as in the record.",
            rich_help_panel=shared.MACHINE,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Repeat a run from its record, and tell whether the result is the same.

    Takes input, weights and every setting from the record of difface restore, inpaint or
    colorize, and compares what comes out with the result of then: identical, or how far off. On
    the same machine with the same versions it is identical. Input and weights are told by their
    hashes, others are refused.

    Exit codes: 0 identical, 1 different, 2 not repeated.
    """
    from difface_cli.cli import replaying
    from difface_cli.records import replay as records
    from difface_cli.weights import registry

    session = replaying.prepare(
        records.read(record), registry.load(models), photo, device.value if device else None
    )
    raise typer.Exit(replaying.run(session, output, overwrite=overwrite, as_json=as_json))
