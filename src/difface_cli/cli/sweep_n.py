"""`difface sweep-n`: what N, eta and the seed do to a photo, side by side."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from difface_cli.cli import shared

SWEEP = "Sweep"


def register(app: typer.Typer) -> None:
    """Add `difface sweep-n`."""
    app.command("sweep-n")(sweep_n)


def _swept(flag: str, metavar: str, help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        flag, metavar=metavar, help=help, rich_help_panel=SWEEP, show_default=False
    )
    return option


def sweep_n(
    photo: Annotated[str, typer.Argument(help="The photo.")],
    n: Annotated[
        str | None,
        _swept(
            "--n", "LIST", "N as 100:600:100 or 100,200,400. Default: six around the model's own."
        ),
    ] = None,
    eta: Annotated[
        str | None, _swept("--eta", "LIST", "eta, 0 to 1. Default: the model's own.")
    ] = None,
    seeds: Annotated[str, _swept("--seeds", "LIST", "Seeds. Default: 0.")] = "0",
    steps: Annotated[
        str | None, _swept("--steps", "LIST", "Calls of the prior. Default: the model's own.")
    ] = None,
    estimator: Annotated[
        str | None,
        _swept("--estimator", "NAMES", "Estimators of models.toml, or those of other models."),
    ] = None,
    rows: Annotated[
        str | None,
        _swept("--rows", "AXES", "What runs down: n, eta, seed, steps, estimator."),
    ] = None,
    cols: Annotated[
        str | None, _swept("--cols", "AXES", "What runs across. Default: n, if it varies.")
    ] = None,
    reference: Annotated[
        str | None,
        _swept("--reference", "FILE", "The same photo in good quality, to measure against."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder of the sweep. Default: restored/NAME_sweep.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Also write report.html: every cell to enlarge, the plot, all settings.",
            rich_help_panel=shared.OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Begin a sweep anew.", rich_help_panel=shared.OUTPUT),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the record as a line of JSON.", rich_help_panel=shared.OUTPUT
        ),
    ] = False,
    face: Annotated[
        str,
        typer.Option(
            "--face",
            metavar="I",
            help="largest, center, all, or numbers such as 0,2.",
            rich_help_panel=shared.FACES,
        ),
    ] = "largest",
    model: shared.Model = "starter",
    models: shared.Models = None,
    sampler: shared.SamplerOrFast = None,
    guidance: shared.Guidance = None,
    fast: shared.Fast = False,
    aligned: shared.Aligned = False,
    min_face: shared.MinFace = 16.0,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    gray: shared.GrayOption = shared.Gray.auto,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = "auto",
) -> None:
    """Show what N, eta and the seed do to a face, side by side.

    Restores a face of the photo with every combination of the settings named. Makes a labelled
    grid, a plot of fidelity against sharpness, with several seeds a map of what they draw
    differently, and a table of all cells. `difface apply` pastes a chosen cell into the photo.

    A sweep that was interrupted goes on where it was when it is started again.

    Restored detail is synthesised: it is no evidence of identity.
    """
    from difface_cli import sweep
    from difface_cli.cli import console, values
    from difface_cli.method.difface import Settings
    from difface_cli.models import max_n, resolve_device, resolve_precision, with_parts
    from difface_cli.runs import work
    from difface_cli.sweep import work as sweeping
    from difface_cli.sweep.pictures import layout
    from difface_cli.tasks import options
    from difface_cli.weights import registry

    known = registry.load(models)
    chosen = with_parts(known, known.model(model, "restore"), detector=detector)
    largest = max_n(known, chosen)
    wanted = values.names(estimator, "--estimator") if estimator is not None else (None,)
    with_estimators = [with_parts(known, chosen, estimator=name) for name in wanted]
    estimators = {m.parts["estimator"]: m for m in with_estimators}
    named = sampler.value if sampler else None
    if steps is not None and not fast:
        named = named or Settings.sampler  # as where a face is restored in so many steps
    method = options.settings(chosen, None, None, None, named, guidance, fast=fast)
    plan = sweep.Plan(
        n=_default_n(chosen.n, largest) if n is None else values.whole(n, "--n"),
        eta=(chosen.eta,) if eta is None else values.real(eta, "--eta"),
        seed=values.whole(seeds, "--seeds"),
        estimator=tuple(estimators),
        steps=() if steps is None else _calls(steps),
        model_steps=method.steps if fast else chosen.steps,
    )
    sweep.check(plan, method, model, largest)
    where = layout(
        plan,
        values.names(rows, "--rows") if rows is not None else (),
        values.names(cols, "--cols") if cols is not None else (),
    )
    options.parse_choice(face, "--face")
    wishes = options.Options(
        settings=method,
        aligned=aligned,
        faces=face,
        min_face=min_face,
        gray=gray.value,
        batch=values.batch(batch),
    )
    options.check_counts(wishes)
    place = resolve_device(device.value)
    session = sweeping.Session(
        registry=known,
        model=with_estimators[0],
        device=place,
        dtype=resolve_precision(precision.value, place),
        plan=plan,
        where=where,
        options=wishes,
        estimators=estimators,
        detect_size=detect_size,
        reference=reference,
        report=report,
    )
    folder = output or Path("restored") / f"{Path(photo).stem}_sweep"
    start = time.perf_counter()
    with console.photo_progress(1, quiet=as_json) as progress:
        record, reused = sweeping.run(photo, folder, session, progress, overwrite=overwrite)
    if as_json:
        sys.stdout.write(work.as_json(record) + "\n")
        return
    for line in _lines(record, folder, reused, time.perf_counter() - start):
        console.plain(line)
    if report:
        console.plain(f"To look at: {folder / sweeping.REPORT}")


def _lines(record: Mapping[str, Any], folder: Path, reused: int, seconds: float) -> Iterator[str]:
    """Where the pictures are, and how to go on."""
    from difface_cli.cli.lines import duration

    cells = sum(len(face["cells"]) for face in record["faces"])
    known = f", {reused} of them from before" if reused else ""
    yield f"{folder}: {cells} cell{'' if cells == 1 else 's'}{known}, {duration(seconds)}"
    for face in record["faces"]:
        varied = face["variation"]
        pictures = [face["grid"], face["plot"], *([varied["picture"]] if varied else [])]
        yield f"  face {face['index']}: {', '.join(pictures)}"
        if varied:
            number = varied["number"]
            yield f"    variation over the seeds at N {varied['n']}: {number:.1f} grey levels"
    first = record["faces"][0]["cells"][-1]
    chosen = [axis for axis, values in record["axes"].items() if len(values) > 1] or ["n"]
    pick = ",".join(f"{axis}={first[axis]}".removesuffix(".0") for axis in chosen)
    yield f"Choose a cell: difface apply {folder} --pick {pick}"


def _calls(text: str) -> tuple[int, ...]:
    from difface_cli.base.errors import UsageError
    from difface_cli.cli import values

    steps = values.whole(text, "--steps")
    if 0 in steps:  # a plan's 0 would stand for the model's own
        raise UsageError("--steps must be at least 1, not 0.", "Correct --steps.")
    return steps


def _default_n(own: int, largest: int) -> tuple[int, ...]:
    """Six around the model's own N, which is the fourth of them."""
    around = (10 * round(k * own / 40) for k in (1, 2, 3, 5, 6))
    return tuple(sorted({own, *(min(max(10, n), largest) for n in around)}))
