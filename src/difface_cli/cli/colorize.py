"""`difface colorize`: the faces of grey photos, coloured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import options as shared

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="Where to write; - is stdout. Default: colorized/NAME.",
        rich_help_panel=shared.OUTPUT,
    ),
]
Gamma = Annotated[
    float | None,
    typer.Option(
        "--gamma",
        help="How strictly the photo's luma holds the chain. Default: 20, or 1 for gradient steps.",
        rich_help_panel=shared.METHOD,
        show_default=False,
    ),
]
RefineOption = Annotated[
    shared.Refine,
    typer.Option(
        "--refine",
        help="By equation 15 of the paper, solved, or by a gradient step.",
        rich_help_panel=shared.METHOD,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        "--strength",
        help="Of the colours, 0 (grey) to 1 (as drawn).",
        rich_help_panel=shared.FACES,
    ),
]
Desaturate = Annotated[
    bool,
    typer.Option(
        "--desaturate",
        help="Take photos in colour too, and drop their colours first.",
        rich_help_panel=shared.FACES,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `difface colorize`."""
    app.command("colorize")(colorize)


def colorize(
    photos: shared.Photos,
    output: Output = None,
    model: shared.Model = "starter-colorize",
    models: shared.Models = None,
    gamma: Gamma = None,
    refine: RefineOption = shared.Refine.closed_form,
    n: shared.N = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    sampler: shared.SamplerOption = shared.Sampler.ddim,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    strength: Strength = 1.0,
    desaturate: Desaturate = False,
    aligned: shared.Aligned = False,
    faces: shared.Faces = "all",
    min_face: shared.MinFace = 16.0,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    quality: shared.Quality = 95,
    overwrite: shared.Overwrite = False,
    dry_run: shared.DryRun = False,
    as_json: shared.Json = False,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = "auto",
) -> None:
    """Colour the faces in grey or sepia photos.

    Finds every face and lets the diffusion prior colour it and what is close around it. The rest
    of the photo stays grey: the model knows faces only. Brightness is kept exactly, and nothing
    is sharpened or repaired. Beside each result lies a record (NAME.json).

    The colours are invented: they tell nothing of the true ones, of skin, hair or eyes least of
    all.
    """
    from difface_cli.cli import colouring, outputs, restoring, values
    from difface_cli.method.difface import Refinement
    from difface_cli.models import max_n, resolve_device, resolve_precision
    from difface_cli.tasks import colorizing, options
    from difface_cli.weights import registry

    known = registry.load(models)
    chosen = known.model(model, "colorize")
    settings = options.Options(
        settings=options.settings(chosen, n, steps, eta, sampler.value),
        seed=seed,
        samples=samples,
        strength=strength,
        aligned=aligned,
        faces=faces,
        min_face=min_face,
        gray="off",
        batch=values.batch(batch),
    )
    gamma = colorizing.GAMMAS[refine.value] if gamma is None else gamma
    wishes = colorizing.Wishes(settings, Refinement(gamma, refine.value), desaturate)
    chosen = restoring.choose_parts(known, chosen, detector=detector)
    options.check(settings, chosen.name, max_n(known, chosen))
    colorizing.check(wishes)
    place = resolve_device(device.value)
    session = colouring.Session(
        registry=known,
        model=chosen,
        device=place,
        dtype=resolve_precision(precision.value, place),
        options=settings,
        detect_size=detect_size,
        quality=quality,
        as_json=as_json,
        wishes=wishes,
    )
    jobs = outputs.plan(
        photos,
        output,
        samples=samples,
        overwrite=overwrite,
        preview=dry_run,
        folder=colouring.FOLDER,
    )
    raise typer.Exit(colouring.run(jobs, session, dry_run=dry_run))
