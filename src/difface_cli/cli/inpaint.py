"""`difface inpaint`: the holes of photos, filled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.cli import shared
from difface_cli.cli.command import on_photos

if TYPE_CHECKING:
    from difface_cli.cli.photos import Asked

FOLDER = Path("inpainted")
HOLES = "Holes"

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


def register(app: typer.Typer) -> None:
    """Add `difface inpaint`."""
    on_photos(app, "inpaint", inpaint)


def inpaint(
    asked: Asked,
    mask: Mask = None,
    mask_threshold: MaskThreshold = 0.5,
    invert_mask: InvertMask = False,
    mask_grow: MaskGrow = 0,
    keep_known: KeepKnown = True,
    fill_rest: FillRest = True,
    gamma: shared.Gamma = 0.5,
    refine: shared.RefineOption = shared.Refine.closed_form,
    n: shared.N = None,
    gray: shared.GrayOption = shared.Gray.auto,
) -> int:
    """Fill holes, scratches and stamps in photos.

    Finds the faces with all holes smoothed over, and lets estimator and diffusion prior draw what
    is missing in them; pixels outside the holes stay as they are. Beside each result lies a
    record (NAME.json), and with --samples a contact sheet (NAME.samples.png). Folders are done as
    by restore; a folder of masks is laid out as the folder of photos.

    What is drawn in a hole is invented: it is no evidence of identity.
    """
    from difface_cli.cli import photos
    from difface_cli.method.difface import Refinement
    from difface_cli.tasks import Inpaint, holes

    wish = holes.Wish(mask, mask_threshold, invert_mask, mask_grow)
    task = Inpaint(wish, Refinement(gamma, refine.value), keep_known, fill_rest)
    known, model = asked.chosen(Inpaint)
    session = asked.session(task, known, model, asked.settings(model, n), gray=gray.value)
    return photos.go(session, replace(asked, default=FOLDER, masks=holes.places(wish)))
