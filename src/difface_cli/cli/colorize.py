"""`difface colorize`: the faces of grey photos, coloured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import shared
from difface_cli.trust import gate as gates

FOLDER = Path("colorized")

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
    photos: shared.PhotosOrFolders,
    output: Output = None,
    recursive: shared.Recursive = False,
    include: shared.Include = [],  # noqa: B006  # Typer makes a new one each time
    exclude: shared.Exclude = [],  # noqa: B006
    watch: shared.Watch = False,
    fail_fast: shared.FailFast = False,
    engine: shared.EngineOption = shared.Engine.local,
    workers: shared.Workers = 0,
    model: shared.Model = "starter-colorize",
    models: shared.Models = None,
    gamma: Gamma = None,
    refine: RefineOption = shared.Refine.closed_form,
    n: shared.N = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    sampler: shared.SamplerOrFast = None,
    fast: shared.Fast = False,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    choose: shared.ChooseOption = None,
    reference_photos: shared.ReferencePhotos = None,
    strength: Strength = 1.0,
    desaturate: Desaturate = False,
    aligned: shared.Aligned = False,
    faces: shared.Faces = "all",
    face: shared.FaceByHand = None,
    landmarks: shared.LandmarksByHand = None,
    min_face: shared.MinFace = gates.SMALLEST,
    trust: shared.Trust = 1,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    quality: shared.Quality = 95,
    save_faces: shared.SaveFaces = False,
    report: shared.Report = False,
    overwrite: shared.Overwrite = False,
    dry_run: shared.DryRun = False,
    as_json: shared.Json = False,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = "auto",
    compiled: shared.Compile = False,
) -> None:
    """Colour the faces in grey or sepia photos.

    Finds every face and lets the diffusion prior colour it and what is close around it. The rest
    of the photo stays grey: the model knows faces only. Brightness is kept exactly, and nothing
    is sharpened or repaired. Beside each result lies a record (NAME.json). Folders are done as by
    restore.

    The colours are invented: they tell nothing of the true ones, of skin, hair or eyes least of
    all.
    """
    from difface_cli.cli import photos as shared_photos
    from difface_cli.cli import values
    from difface_cli.method.difface import Refinement
    from difface_cli.models import with_parts
    from difface_cli.tasks import Colorize, options
    from difface_cli.tasks.colorize import GAMMAS
    from difface_cli.weights import registry

    known = registry.load(models)
    own = known.model(model, Colorize.name)
    held = Refinement(GAMMAS[refine.value] if gamma is None else gamma, refine.value)
    wishes = options.Options(
        settings=options.settings(
            own, n, steps, eta, sampler.value if sampler else None, fast=fast
        ),
        seed=seed,
        samples=samples,
        choose=choose.value if choose else "",
        strength=strength,
        aligned=aligned,
        faces=faces,
        by_hand=values.faces(face, landmarks, photos),
        min_face=min_face,
        gray="off",
        batch=values.batch(batch),
        trust=trust,
    )
    chosen = with_parts(known, own, detector=detector)
    session = shared_photos.session(
        Colorize(held, desaturate), wishes, known, chosen, device.value, precision.value,
        detect_size=detect_size, quality=quality, save_faces=save_faces, compiled=compiled,
        reference_photos=reference_photos,
    )  # fmt: skip
    asked = shared_photos.Asked(
        photos, output, FOLDER, recursive=recursive, include=include, exclude=exclude,
        watch=watch, fail_fast=fail_fast, engine=engine.value, workers=workers, report=report,
        overwrite=overwrite, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(shared_photos.go(session, asked))
