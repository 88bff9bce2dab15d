"""`difface train`: the estimator, the prior or the face detector, from a recipe."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.cli import console, shared

if TYPE_CHECKING:
    from difface_cli.training.loop import Report


class What(StrEnum):
    """What can be trained."""

    estimator = "estimator"
    prior = "prior"
    detector = "detector"


def register(app: typer.Typer) -> None:
    """Add `difface train`."""
    app.command("train")(train)


def train(
    what: Annotated[What, typer.Argument(help="What is trained.")],
    recipe: Annotated[Path, typer.Argument(help="Its settings: a TOML file, see configs/.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Pictures to learn from, in place of the recipe's; may be given several times.",
        ),
    ] = None,
    validation: Annotated[
        list[Path] | None,
        typer.Option("--validation", metavar="DIR", help="Pictures to measure the loss on."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="For weights and records. Default: trained/RECIPE."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Begin with these weights, from an earlier training."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0, help="Stop at a checkpoint after so long."),
    ] = None,
    device: shared.DeviceOption = shared.Device.auto,
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="Devices (or CPU processes) a machine.")
    ] = 1,
    machines: Annotated[
        int, typer.Option("--machines", min=1, help="Machines, each started with torchrun.")
    ] = 1,
) -> None:
    """Train a network of your own.

    Writes the averaged weights (weights.safetensors), a checkpoint to --resume from, metrics.csv,
    TensorBoard's records and pictures of what the network does (sheets/). Ctrl-C stops after the
    step in hand. Needs: pip install "difface-cli[train]".
    """
    from difface_cli.training import launching
    from difface_cli.training import recipe as recipes

    settings = recipes.read(recipe, what.value)
    folder = out or Path("trained") / recipe.stem
    wishes = launching.Wishes(
        data=tuple(data or ()), validation=tuple(validation or ()), start=start,
        resume=resume, minutes=minutes,
        device=device.value, devices=devices, machines=machines,
    )  # fmt: skip
    with console.warnings():
        done = launching.run(settings, folder, wishes, _say)
    if done < settings.steps:
        console.plain(f"Stopped after {done:,} of {settings.steps:,} steps; go on with --resume.")
    console.plain(f"Weights: {folder / 'weights.safetensors'}")


def _say(report: Report) -> None:
    """One line a report."""
    numbers = ", ".join(f"{k} {v:.4g}" for k, v in report.values.items() if v is not None)
    console.plain(f"step {report.step:,}: {numbers}; {report.speed:.1f} pictures/s")
