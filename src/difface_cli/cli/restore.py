"""`difface restore`: the faces of photos, restored and pasted back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import options as shared


def register(app: typer.Typer) -> None:
    """Add `difface restore`."""
    app.command("restore")(restore)


def restore(
    photos: Annotated[list[str], typer.Argument(help="Photos; - reads stdin.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|DIR",
            help="Where to write; - is stdout. Default: restored/NAME.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = None,
    model: shared.Model = "starter",
    models: shared.Models = None,
    n: shared.N = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    sampler: shared.SamplerOption = shared.Sampler.ddim,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    strength: Annotated[
        float,
        typer.Option(
            help="0 keeps the original face, 1 takes the restored one.",
            rich_help_panel=shared.FACES,
        ),
    ] = 1.0,
    aligned: Annotated[
        bool,
        typer.Option(
            "--aligned",
            help="Each photo is one face, aligned as in FFHQ.",
            rich_help_panel=shared.FACES,
        ),
    ] = False,
    faces: Annotated[
        str,
        typer.Option(
            help="all, largest, center, or numbers such as 0,2 (see --dry-run).",
            rich_help_panel=shared.FACES,
        ),
    ] = "all",
    min_face: Annotated[
        float,
        typer.Option(
            metavar="PX", help="Leave narrower faces alone.", rich_help_panel=shared.FACES
        ),
    ] = 16.0,
    detect_size: Annotated[
        int,
        typer.Option(
            metavar="PX",
            min=64,
            help="Longest side of the copy that faces are looked for in.",
            rich_help_panel=shared.FACES,
        ),
    ] = 1280,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Find faces with this detector of models.toml, not the model's own.",
            rich_help_panel=shared.FACES,
        ),
    ] = None,
    parser: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Paste within the outline that this parser of models.toml finds.",
            rich_help_panel=shared.FACES,
        ),
    ] = None,
    gray: Annotated[
        shared.Gray,
        typer.Option(
            help="Restore faces without colour; auto: in grey photos.",
            rich_help_panel=shared.FACES,
        ),
    ] = shared.Gray.auto,
    upscale: Annotated[
        int,
        typer.Option(help="Enlarge the photo 1, 2 or 4 times.", rich_help_panel=shared.OUTPUT),
    ] = 1,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Enlarge what is not a face with this network of models.toml, not by Lanczos.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = None,
    quality: Annotated[
        int,
        typer.Option(min=1, max=100, help="Of JPEG and WebP files.", rich_help_panel=shared.OUTPUT),
    ] = 95,
    save_faces: Annotated[
        bool,
        typer.Option(
            "--save-faces",
            help="Also write each face: as found, estimated, restored.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace files that exist.", rich_help_panel=shared.OUTPUT
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only show the faces, numbered, and what restoring them would cost.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a JSON line a photo.", rich_help_panel=shared.OUTPUT),
    ] = False,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = 0,
) -> None:
    """Restore the faces in photos.

    Finds every face, restores it with estimator and diffusion prior, and pastes it back; all
    other pixels stay as they are. The input is never changed. Beside each result lies a record
    (NAME.json) of faces, model, seed and settings.

    Restored detail is synthesised: it is no evidence of identity.
    """
    from difface_cli import options, registry
    from difface_cli.cli import outputs, restoring
    from difface_cli.difface import Settings
    from difface_cli.errors import UsageError
    from difface_cli.models import max_n, resolve_device, resolve_precision

    known = registry.load(models)
    chosen = known.model(model, "restore")
    n = chosen.n if n is None else n
    wishes = options.Options(
        settings=Settings(
            n=n,
            steps=min(chosen.steps, n) if steps is None else steps,
            eta=chosen.eta if eta is None else eta,
            sampler=sampler.value,
        ),
        seed=seed,
        samples=samples,
        strength=strength,
        aligned=aligned,
        faces=faces,
        min_face=min_face,
        upscale=upscale,
        gray=gray.value,
        batch=batch,
    )
    chosen = restoring.choose_parts(
        known, chosen, detector=detector, parser=parser, background=background
    )
    options.check(wishes, chosen.name, max_n(known, chosen))
    if background and upscale == 1:
        raise UsageError(
            "--background enlarges the photo, and --upscale is 1.", "Add --upscale 2 or 4."
        )
    place = resolve_device(device.value)
    session = restoring.Session(
        registry=known,
        model=chosen,
        device=place,
        dtype=resolve_precision(precision.value, place),
        options=wishes,
        detect_size=detect_size,
        quality=quality,
        save_faces=save_faces,
        as_json=as_json,
    )
    jobs = outputs.plan(photos, output, samples=samples, overwrite=overwrite, preview=dry_run)
    raise typer.Exit(restoring.run(jobs, session, dry_run=dry_run))
