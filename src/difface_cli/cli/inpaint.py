"""`difface inpaint`: the holes of photos, filled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import shared
from difface_cli.trust import gate as gates

FOLDER = Path("inpainted")
HOLES = "Holes"

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="Where to write; - is stdout. Default: inpainted/NAME.",
        rich_help_panel=shared.OUTPUT,
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        "--mask",
        metavar="FILE|DIR|alpha|COLOUR",
        help="Where the holes are: white in a picture of the photo's size, or in a folder of such "
        "pictures with the photos' names; transparent; or painted in a colour such as '#ff00ff'. "
        "Default: pixels that are zero.",
        rich_help_panel=HOLES,
        show_default=False,
    ),
]
MaskThreshold = Annotated[
    float,
    typer.Option(
        "--mask-threshold",
        help="What counts as white or transparent, above 0 to 1.",
        rich_help_panel=HOLES,
    ),
]
InvertMask = Annotated[
    bool,
    typer.Option(
        "--invert-mask", help="The mask shows what is kept instead.", rich_help_panel=HOLES
    ),
]
MaskGrow = Annotated[
    int,
    typer.Option(
        "--mask-grow",
        metavar="PX",
        help="Enlarge the holes; the filling fades out over these pixels.",
        rich_help_panel=HOLES,
    ),
]
KeepKnown = Annotated[
    bool,
    typer.Option(
        "--keep-known/--no-keep-known",
        help="Put the photo's own pixels back outside the holes, bit for bit.",
        rich_help_panel=HOLES,
    ),
]
FillRest = Annotated[
    bool,
    typer.Option(
        "--fill-rest/--no-fill-rest",
        help="Smooth over holes outside faces, which the model cannot draw.",
        rich_help_panel=HOLES,
    ),
]
Aligned = Annotated[
    bool,
    typer.Option(
        "--aligned",
        help="Each picture is one face, aligned as in FFHQ, of any size.",
        rich_help_panel=shared.FACES,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `difface inpaint`."""
    app.command("inpaint")(inpaint)


def inpaint(
    photos: shared.PhotosOrFolders,
    output: Output = None,
    recursive: shared.Recursive = False,
    include: shared.Include = [],  # noqa: B006  # Typer makes a new one each time
    exclude: shared.Exclude = [],  # noqa: B006
    watch: shared.Watch = False,
    fail_fast: shared.FailFast = False,
    engine: shared.EngineOption = shared.Engine.local,
    workers: shared.Workers = 0,
    mask: Mask = None,
    mask_threshold: MaskThreshold = 0.5,
    invert_mask: InvertMask = False,
    mask_grow: MaskGrow = 0,
    keep_known: KeepKnown = True,
    fill_rest: FillRest = True,
    model: shared.Model = "starter-inpaint",
    models: shared.Models = None,
    gamma: shared.Gamma = 0.5,
    refine: shared.RefineOption = shared.Refine.closed_form,
    n: shared.N = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    sampler: shared.SamplerOrFast = None,
    fast: shared.Fast = False,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    choose: shared.ChooseOption = None,
    reference_photos: shared.ReferencePhotos = None,
    aligned: Aligned = False,
    faces: shared.Faces = "all",
    face: shared.FaceByHand = None,
    landmarks: shared.LandmarksByHand = None,
    min_face: shared.MinFace = gates.SMALLEST,
    trust: shared.Trust = 1,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    gray: shared.GrayOption = shared.Gray.auto,
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
    """Fill holes, scratches and stamps in photos.

    Finds the faces with all holes smoothed over, and lets estimator and diffusion prior draw what
    is missing in them; pixels outside the holes stay as they are. Beside each result lies a
    record (NAME.json), and with --samples a contact sheet (NAME.samples.png). Folders are done as
    by restore; a folder of masks is laid out as the folder of photos.

    What is drawn in a hole is invented: it is no evidence of identity.
    """
    from difface_cli.cli import photos as shared_photos
    from difface_cli.cli import values
    from difface_cli.method.difface import Refinement
    from difface_cli.models import with_parts
    from difface_cli.tasks import Inpaint, holes, options
    from difface_cli.weights import registry

    known = registry.load(models)
    own = known.model(model, Inpaint.name)
    task = Inpaint(
        holes.Wish(mask, mask_threshold, invert_mask, mask_grow),
        Refinement(gamma, refine.value),
        keep_known,
        fill_rest,
    )
    wishes = options.Options(
        settings=options.settings(
            own, n, steps, eta, sampler.value if sampler else None, fast=fast
        ),
        seed=seed,
        samples=samples,
        choose=choose.value if choose else "",
        aligned=aligned,
        faces=faces,
        by_hand=values.faces(face, landmarks, photos),
        min_face=min_face,
        gray=gray.value,
        batch=values.batch(batch),
        trust=trust,
    )
    chosen = with_parts(known, own, detector=detector)
    session = shared_photos.session(
        task, wishes, known, chosen, device.value, precision.value,
        detect_size=detect_size, quality=quality, save_faces=save_faces, compiled=compiled,
        reference_photos=reference_photos,
    )  # fmt: skip
    asked = shared_photos.Asked(
        photos, output, FOLDER, holes.places(task.wish), recursive=recursive, include=include,
        exclude=exclude, watch=watch, fail_fast=fail_fast, engine=engine.value, workers=workers,
        report=report, overwrite=overwrite, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(shared_photos.go(session, asked))
