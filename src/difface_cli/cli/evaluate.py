"""`difface evaluate`: what the paper's tables report, of folders of results."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from difface_cli.base.errors import DifFaceError
from difface_cli.cli import console, shared

if TYPE_CHECKING:
    from difface_cli.evaluation.tables import Grid, Report

STDOUT = "-"
SOME_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add `difface evaluate`."""
    app.command("evaluate")(evaluate)


def _file(name: str, help: str) -> Any:
    return typer.Option(name, metavar="FILE", help=help, rich_help_panel=shared.OUTPUT)


def evaluate(
    restored: Annotated[
        list[Path],
        typer.Argument(help="Folders of results, or one picture; the first is compared to."),
    ],
    reference: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The true pictures, of the same names.")
    ] = None,
    dataset_stats: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An npz with mu and sigma of a dataset's features: FID-F, FD-detector-F.",
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Masks of holes, white inside: measures the holes."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Only these, such as psnr,ssim. Default: all but nrqm,pi."
        ),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Test each folder against the first, picture by picture."),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Also by sf, noise, blur, jpeg, mask, … of the manifest."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="That difface degrade wrote. Default: manifest.jsonl of the folders.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the intervals' and tests' random draws.")] = 0,
    csv: Annotated[
        Path | None, _file("--csv", "Write every picture's values; - is stdout.")
    ] = None,
    json: Annotated[Path | None, _file("--json", "Write everything.")] = None,
    latex: Annotated[Path | None, _file("--latex", "Write the table.")] = None,
    markdown: Annotated[Path | None, _file("--markdown", "Write the table.")] = None,
    plot: Annotated[
        Path | None, _file("--plot", "With --by: draw the measures over it, as PNG.")
    ] = None,
    save_stats: Annotated[
        Path | None,
        _file(
            "--save-stats",
            "Write such an npz of the first folder, in the features of --features.",
        ),
    ] = None,
    features: Annotated[
        str,
        typer.Option(help="Of --save-stats: detector or inception.", rich_help_panel=shared.OUTPUT),
    ] = "detector",
    overwrite: shared.Overwrite = False,
    models: shared.Models = None,
    detector: shared.Detector = None,
    device: shared.DeviceOption = shared.Device.auto,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=64,
            help="Threads that read pictures; 0 takes one a core, four at most.",
            rich_help_panel=shared.MACHINE,
        ),
    ] = 0,
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            help="Measure all anew, and keep no values for the next time.",
            rich_help_panel=shared.MACHINE,
        ),
    ] = False,
) -> None:
    """Measure results against the truth, as the paper's tables do.

    Pictures are matched by their names without suffix. PSNR, SSIM, MS-SSIM, GMSD, LMD and a
    Fréchet distance in the face detector's features need nothing further; LPIPS, IDS, FID and NIQE
    need weights (`difface fetch-weights`) and are left out without them; NRQM and PI need pyiqa,
    which is for non-commercial use, and are computed only where --metrics names them.

    An evaluation that was stopped goes on where it was: values are kept in DIFFACE_HOME.
    """
    from difface_cli.cli import values
    from difface_cli.evaluation import run as evaluating

    wishes = evaluating.Wishes(
        restored=tuple(restored),
        reference=reference,
        dataset_stats=dataset_stats,
        masks=mask,
        measures=values.names(metrics, "--metrics") if metrics is not None else (),
        compare=compare,
        by=by,
        manifest=manifest,
        seed=seed,
        save_stats=save_stats,
        features=features,
        models=models,
        detector=detector,
        device=device.value,
        workers=workers,
        cache=not no_cache,
    )
    files = {"csv": csv, "json": json, "latex": latex, "markdown": markdown, "plot": plot}
    wanted = {kind: path for kind, path in files.items() if path is not None}
    with console.warnings(), console.photo_progress(0) as progress:
        report, whole = evaluating.run(wishes, wanted, _complain, progress, overwrite=overwrite)
    _tell(report, wanted)
    _write(report, wanted)
    raise typer.Exit(0 if whole else SOME_FAILED)


def _complain(error: DifFaceError) -> None:
    console.say("error", error.message, error.hint)


def _tell(report: Report, files: Mapping[str, Path]) -> None:
    """The tables on the terminal, unless stdout carries a file."""
    from difface_cli.evaluation import tables

    if STDOUT in {str(path) for path in files.values()}:
        return
    width = console.out().width
    whole, means = tables.grid(report), tables.grid(report, intervals=False)
    shapes = (whole, _turned(whole), means, _turned(means))
    shown = next((shape for shape in shapes if _width(shape) <= width), means)
    _print(shown)
    if shown not in shapes[:2]:
        console.plain("Intervals are in the files of --markdown, --latex and --json.")
    if apart := tables.differences(report):
        _print(min(apart, _turned(apart), key=_width))
    for note in tables.notes(report):
        console.plain(note)


def _turned(grid: Grid) -> Grid:
    """Measures down, folders across."""
    head, *rows = zip(grid.head, *grid.rows, strict=True)
    return type(grid)(head, tuple(rows))


def _width(grid: Grid) -> int:
    """Columns of the terminal that it takes, with what stands between."""
    return sum(3 + max(map(len, column)) for column in zip(grid.head, *grid.rows, strict=True))


def _print(grid: Grid) -> None:
    console.table(grid.head, grid.rows, right=grid.head[1:], fold=grid.head)


def _write(report: Report, files: Mapping[str, Path]) -> None:
    """The files that were asked for, by their kind."""
    from difface_cli.base import atomic
    from difface_cli.evaluation import curves, tables

    texts = {
        "csv": tables.to_csv,
        "json": tables.to_json,
        "latex": tables.to_latex,
        "markdown": tables.to_markdown,
    }
    for kind, path in files.items():
        if kind == "plot":
            atomic.write(path, curves.draw(report))
            continue
        text = texts[kind](report)
        if str(path) == STDOUT:
            sys.stdout.write(text)
        else:
            atomic.write(path, text.encode(errors="backslashreplace"))
