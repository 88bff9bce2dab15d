"""`difface colorize`: the faces of grey photos, coloured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.cli import shared
from difface_cli.cli.command import on_photos

if TYPE_CHECKING:
    from difface_cli.cli.photos import Asked

FOLDER = Path("colorized")

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
    on_photos(app, "colorize", colorize)


def colorize(
    asked: Asked,
    gamma: Gamma = None,
    refine: RefineOption = shared.Refine.closed_form,
    n: shared.N = None,
    strength: Strength = 1.0,
    desaturate: Desaturate = False,
) -> int:
    """Colour the faces in grey or sepia photos.

    Finds every face and lets the diffusion prior colour it and what is close around it. The rest
    of the photo stays grey: the model knows faces only. Brightness is kept exactly, and nothing
    is sharpened or repaired. Beside each result lies a record (NAME.json). Folders are done as by
    restore.

    The colours are invented: they tell nothing of the true ones, of skin, hair or eyes least of
    all.
    """
    from difface_cli.cli import photos
    from difface_cli.method.difface import Refinement
    from difface_cli.tasks import Colorize
    from difface_cli.tasks.colorize import GAMMAS

    held = Refinement(GAMMAS[refine.value] if gamma is None else gamma, refine.value)
    known, model = asked.chosen(Colorize)
    session = asked.session(
        Colorize(held, desaturate), known, model, asked.settings(model, n),
        strength=strength, gray="off",
    )  # fmt: skip
    return photos.go(session, replace(asked, default=FOLDER))
