"""`difface inpaint`: the holes of photos, filled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difface_cli.cli import options as shared

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
Face = Annotated[
    list[str] | None,
    typer.Option(
        "--face",
        metavar="X,Y,W,H",
        help="A face that is not found: its box from brow to chin, in pixels. Repeatable.",
        rich_help_panel=shared.FACES,
    ),
]
Landmarks = Annotated[
    list[str] | None,
    typer.Option(
        "--landmarks",
        metavar="X1,Y1,…,X5,Y5",
        help="A face that is not found: left eye, right eye, nose, left and right corner of the "
        "mouth as seen. Repeatable.",
        rich_help_panel=shared.FACES,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `difface inpaint`."""
    app.command("inpaint")(inpaint)


def inpaint(
    photos: shared.Photos,
    output: Output = None,
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
    sampler: shared.SamplerOption = shared.Sampler.ddim,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    aligned: Aligned = False,
    faces: shared.Faces = "all",
    face: Face = None,
    landmarks: Landmarks = None,
    min_face: shared.MinFace = 16.0,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    gray: shared.GrayOption = shared.Gray.auto,
    quality: shared.Quality = 95,
    overwrite: shared.Overwrite = False,
    dry_run: shared.DryRun = False,
    as_json: shared.Json = False,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = "auto",
) -> None:
    """Fill holes, scratches and stamps in photos.

    Finds the faces with all holes smoothed over, and lets estimator and diffusion prior draw what
    is missing in them; pixels outside the holes stay as they are. Beside each result lies a
    record (NAME.json), and with --samples a contact sheet (NAME.samples.png).

    What is drawn in a hole is invented: it is no evidence of identity.
    """
    from difface_cli.cli import filling, outputs, restoring, values
    from difface_cli.method.difface import Refinement
    from difface_cli.models import max_n, resolve_device, resolve_precision
    from difface_cli.tasks import holes, options
    from difface_cli.tasks.inpainting import Wishes
    from difface_cli.weights import registry

    known = registry.load(models)
    chosen = known.model(model, "inpaint")
    wishes = Wishes(
        options=options.Options(
            settings=options.settings(chosen, n, steps, eta, sampler.value),
            seed=seed,
            samples=samples,
            aligned=aligned,
            faces=faces,
            min_face=min_face,
            gray=gray.value,
            batch=values.batch(batch),
        ),
        refinement=Refinement(gamma, refine.value),
        keep_known=keep_known,
        faces=filling.faces_by_hand(face or [], landmarks or []),
        fill_rest=fill_rest,
    )
    wish = holes.Wish(mask, mask_threshold, invert_mask, mask_grow)
    chosen = restoring.choose_parts(known, chosen, detector=detector)
    options.check(wishes.options, chosen.name, max_n(known, chosen))
    holes.check(wish)
    filling.check(wishes, photos)
    place = resolve_device(device.value)
    session = filling.Session(
        registry=known,
        model=chosen,
        device=place,
        dtype=resolve_precision(precision.value, place),
        wishes=wishes,
        wish=wish,
        detect_size=detect_size,
        quality=quality,
        as_json=as_json,
    )
    jobs = outputs.plan(
        photos,
        output,
        samples=samples,
        overwrite=overwrite,
        preview=dry_run,
        contact=True,
        masks=holes.places(wish),
        folder=filling.FOLDER,
    )
    raise typer.Exit(filling.run(jobs, session, dry_run=dry_run))
