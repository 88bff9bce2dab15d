"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where the networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Precision(StrEnum):
    """What the networks compute in."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Stored(StrEnum):
    """What weights are kept in on disk."""

    fp32 = "fp32"
    fp16 = "fp16"


class Sampler(StrEnum):
    """How the chain is run back."""

    ddim = "ddim"
    ddpm = "ddpm"


class Gray(StrEnum):
    """Whether restored faces lose their colour."""

    auto = "auto"
    on = "on"
    off = "off"


METHOD = "Method"
FACES = "Faces"
OUTPUT = "Output"
MACHINE = "Machine"

Model = Annotated[
    str, typer.Option("--model", help="A model of models.toml.", rich_help_panel=METHOD)
]
Models = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="FILE",
        help="Your own models.toml, added to the built-in one (or DIFFACE_MODELS).",
        rich_help_panel=METHOD,
    ),
]
N = Annotated[
    int | None,
    typer.Option(
        "--n",
        help="Starting timestep N: small stays faithful, large looks more real. "
        "Default: the model's own.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        help="Calls of the prior from N to 0. Default: the model's own.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
Eta = Annotated[
    float | None,
    typer.Option(
        "--eta",
        help="Randomness of DDIM, 0 to 1. Default: the model's own.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
SamplerOption = Annotated[
    Sampler, typer.Option("--sampler", help="How the chain runs back.", rich_help_panel=METHOD)
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", help="The same seed gives a face the same result.", rich_help_panel=METHOD
    ),
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples", help="Restorations of each photo, each its own.", rich_help_panel=METHOD
    ),
]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where to compute.", rich_help_panel=MACHINE)
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="What to compute in.", rich_help_panel=MACHINE)
]
Batch = Annotated[
    int,
    typer.Option(
        "--batch",
        help="Faces a network call; 0 suits the device (1 on a CPU).",
        rich_help_panel=MACHINE,
    ),
]
