"""`difface apply`: chosen cells of a sweep, pasted into the photo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import shared


def register(app: typer.Typer) -> None:
    """Add `difface apply`."""
    app.command("apply")(apply)


def apply(
    sweep: Annotated[Path, typer.Argument(help="The folder that difface sweep-n made.")],
    pick: Annotated[
        str | None,
        typer.Option(
            "--pick", metavar="CELL", help="For every face of the sweep, as in n=300,seed=2."
        ),
    ] = None,
    face: Annotated[
        list[str] | None,
        typer.Option("--face", metavar="I:CELL", help="For one face, as in 1:n=400,seed=0."),
    ] = None,
    photo: Annotated[
        Path | None,
        typer.Option("--photo", metavar="FILE", help="Where the photo is now, if it was moved."),
    ] = None,
    strength: shared.Strength = 1.0,
    gray: Annotated[
        shared.Gray | None,
        typer.Option(
            "--gray",
            help="Paste faces without colour; auto: in grey photos. Default: as in the sweep.",
            rich_help_panel=shared.FACES,
            show_default=False,
        ),
    ] = None,
    parser: shared.Parser = None,
    upscale: shared.Upscale = 1,
    background: shared.Background = None,
    keep_detail: shared.KeepDetail = False,
    grain: shared.Grain = False,
    output: shared.Output = None,
    quality: shared.Quality = 95,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    models: shared.Models = None,
    device: shared.DeviceOption = shared.Device.auto,
) -> None:
    """Paste chosen cells of a sweep into the photo.

    Nothing is restored again: the result is what `difface restore` gives with the settings of
    the cells. Beside it lies the same kind of record.
    """
    from difface_cli.base.errors import UsageError
    from difface_cli.cli import console
    from difface_cli.models import resolve_device
    from difface_cli.runs import jobs, work
    from difface_cli.sweep import AXES
    from difface_cli.sweep import apply as applying
    from difface_cli.tasks import options
    from difface_cli.weights import registry

    swept = applying.read(sweep, photo)
    wishes = options.Options(
        strength=strength,
        aligned=swept.record["settings"]["aligned"],
        upscale=upscale,
        gray=gray.value if gray else swept.record["settings"]["gray"],
        keep_detail=keep_detail,
        grain=grain,
    )
    options.check_pasting(wishes)
    if background and upscale == 1:
        raise UsageError(
            "--background enlarges the photo, and --upscale is 1.", "Add --upscale 2 or 4."
        )
    session = applying.Session(
        swept=swept,
        chosen=swept.choose(pick, face or []),
        options=wishes,
        tools=applying.load(
            swept, registry.load(models), resolve_device(device.value), parser, background
        ),
        quality=quality,
    )
    (job,) = jobs.plan([str(swept.photo)], output, overwrite=overwrite)
    with console.photo_progress(1, quiet=as_json) as progress:
        progress.photo(swept.photo.name, 0, 1)
        record = applying.run(job, session, progress)
    if as_json:
        if job.target is not None:
            sys.stdout.write(work.as_json(record) + "\n")
        return
    for index, cell in session.chosen.items():
        named = ", ".join(f"{axis} {cell[axis]}" for axis in AXES if axis != "estimator")
        console.plain(f"face {index}: {named}", stderr=job.target is None)
    target = job.files[0] if job.target else "stdout"
    console.plain(f"{job.source} → {target}", stderr=job.target is None)
