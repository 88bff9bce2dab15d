"""`difface degrade`: a test set with known truths, made of good pictures."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from difface_cli.base.errors import UsageError
from difface_cli.cli import shared

if TYPE_CHECKING:
    from difface_cli.degradations import Ranges

HELP = "See difface degrade --help."
OFF = "off"

Recipe = StrEnum(
    "Recipe",
    {
        "train": "train",
        "celeba_test": "celeba-test",
        "bicubic_x8": "bicubic-x8",
        "bicubic_x16": "bicubic-x16",
        "custom": "custom",
        "none": "none",
    },
)
Hole = StrEnum("Hole", ["box", "irregular", "half", "expand", "outpaint", "lama"])
Resample = StrEnum("Resample", ["bicubic", "bilinear", "area"])


def register(app: typer.Typer) -> None:
    """Add `difface degrade`."""
    app.command("degrade")(degrade)


def _custom(name: str, metavar: str | None, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help, rich_help_panel="Recipe custom")


def _age(name: str, metavar: str | None, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help, rich_help_panel="Old photos")


def degrade(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The good pictures.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the degraded ones go.")],
    recipe: Annotated[
        Recipe | None,
        typer.Option(
            help="train, celeba-test (the paper's test grid), bicubic-x8, bicubic-x16, custom, or "
            "none. Default: celeba-test, or none with --mask."
        ),
    ] = None,
    mask: Annotated[
        Hole | None,
        typer.Option(help="Also cut a hole: box, irregular, half, expand, or lama (a mix)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another set.")] = 0,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", min=16, max=8192, help="Of the longer side. Default: as it is."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Do what this manifest says to the same pictures."),
    ] = None,
    overwrite: shared.Overwrite = False,
    blur: Annotated[
        str | None,
        _custom("--blur", "LO:HI", "Sigma, pixels at 512; 0 is none. Default: 0.1:15."),
    ] = None,
    scale: Annotated[
        str | None,
        _custom("--scale", "LO:HI", "How many times smaller, at 512. Default: 0.8:32."),
    ] = None,
    noise: Annotated[
        str | None, _custom("--noise", "LO:HI", "Sigma, of 255; 0 is none. Default: 0:20.")
    ] = None,
    jpeg: Annotated[
        str | None, _custom("--jpeg", "LO:HI|off", "Quality, 1 to 100. Default: 30:100.")
    ] = None,
    isotropic: Annotated[
        float | None,
        _custom("--isotropic", "SHARE", "Of blurs alike in all directions. Default: 0.5."),
    ] = None,
    gray: Annotated[
        float | None, _custom("--gray", "SHARE", "Of pictures without colour. Default: 0.01.")
    ] = None,
    resample: Annotated[
        Resample | None,
        _custom(
            "--resample",
            None,
            "Way down and up again: bicubic, bilinear or area. Default: bicubic.",
        ),
    ] = None,
    sepia: Annotated[float, _age("--sepia", None, "Colours turned brown, 0 to 1.")] = 0.0,
    fading: Annotated[float, _age("--fading", None, "Contrast lost, unevenly, 0 to 1.")] = 0.0,
    scratches: Annotated[int, _age("--scratches", None, "How many.")] = 0,
    halftone: Annotated[
        float, _age("--halftone", "PX", "Printed in grey dots so far apart, at 512.")
    ] = 0.0,
) -> None:
    """Make a test set of good pictures: degraded, aged, with holes.

    Every picture of FOLDER and its subfolders is degraded by equation 17 of the paper and written
    to OUT as PNG at its own size, with a line in OUT/manifest.jsonl of all that was done to it.
    What is done follows from seed, name and content: the same set can be made again, bit for bit.

    LO:HI are the ends of a range that each picture draws from; a single number fixes the value.
    With --mask, OUT has the folders pictures, masks (white is the hole) and holed.
    """
    from difface_cli.cli import console, photos
    from difface_cli.degradations import OldPhoto
    from difface_cli.degradations.sets import Plan
    from difface_cli.runs import sets

    custom = {
        "sigma": _span("--blur", blur),
        "scale": _span("--scale", scale),
        "noise": _span("--noise", noise),
        "quality": _qualities(jpeg),
        "isotropic": isotropic,
        "gray": gray,
        "resample": resample.value if resample else None,
    }
    name = _recipe(recipe, mask, any(value is not None for value in custom.values()))
    try:
        age = OldPhoto(sepia, fading, scratches, halftone)
        draw = _ranges(custom) if name is Recipe.custom else None
    except ValueError as e:
        raise UsageError(f"{str(e)[0].upper()}{str(e)[1:]}.", HELP) from None
    plan = Plan(name.value, draw, age, mask.value if mask else None, size, seed)
    if manifest is not None and plan != Plan():
        raise UsageError(
            "--manifest says what is done, and so do the other options.",
            "Leave out one or the others.",
        )
    tasks = sets.plan(folder, out, plan, manifest, overwrite=overwrite)
    code, written = sets.run(tasks, out, photos.each)
    if written:
        count = f"{written} picture" + ("s" if written != 1 else "")
        console.plain(f"{count} → {out}, described in {out / 'manifest.jsonl'}")
    raise typer.Exit(code)


def _recipe(recipe: Recipe | None, mask: Hole | None, custom: bool) -> Recipe:
    if custom and recipe not in (None, Recipe.custom):
        raise UsageError(
            f"The recipe {recipe.value} has no options of its own.", "Give --recipe custom."
        )
    if recipe is None and not custom:
        return Recipe.celeba_test if mask is None else Recipe.none
    return Recipe.custom if custom else recipe or Recipe.custom


def _ranges(custom: Mapping[str, Any]) -> Ranges:
    from difface_cli.degradations import Ranges

    given = {name: value for name, value in custom.items() if value is not None}
    if given.get("quality") == OFF:
        given["quality"] = None
    return Ranges(**given)


def _qualities(text: str | None) -> tuple[int, int] | str | None:
    if text == OFF:
        return OFF
    span = _span("--jpeg", text)
    if span is None:
        return None
    if any(end % 1 for end in span):
        raise UsageError(f"--jpeg takes whole numbers, not {text}.", HELP)
    return int(span[0]), int(span[1])


def _span(option: str, text: str | None) -> tuple[float, float] | None:
    """LO:HI, or one number for both; infinity and such are for the recipe to refuse."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError:
        raise UsageError(
            f"{option} takes a number or a range such as 2:8, not {text!r}.", HELP
        ) from None
