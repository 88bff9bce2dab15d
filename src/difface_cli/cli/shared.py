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
    tf32 = "tf32"
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
    dpmpp = "dpm++"


class Refine(StrEnum):
    """How the chain is held to what is known."""

    closed_form = "closed-form"
    gradient = "gradient"


class Gray(StrEnum):
    """Whether restored faces lose their colour."""

    auto = "auto"
    on = "on"
    off = "off"


class Choose(StrEnum):
    """What decides which sample is kept."""

    consistency = "consistency"
    identity = "identity"
    sharpness = "sharpness"


class Gate(StrEnum):
    """Whether faces are left alone that restoring would harm."""

    on = "on"
    off = "off"


METHOD = "Method"
FACES = "Faces"
OUTPUT = "Output"
MACHINE = "Machine"

Model = Annotated[
    str, typer.Option("--model", help="A model of models.toml.", rich_help_panel=METHOD)
]
ModelOfTask = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="A model of models.toml. Default: the starter's for the task.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
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
NOrAuto = Annotated[
    str | None,
    typer.Option(
        "--n",
        metavar="INT|auto",
        help="Starting timestep N: small stays faithful, large looks more real, 0 is the estimate "
        "alone; auto: for each face by how degraded it is, as the starter does by default. "
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
        help="Randomness of ddim and dpm++, 0 to 1. Default: the model's own.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance",
        help="Draw fine parts clearer, 0 to 10, at one more call of the prior a step; 0 is the "
        "paper's method. Default: the model's own, with the model's own sampler.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
Guide = Annotated[
    float,
    typer.Option(
        "--guide",
        help="Move the face towards the person of --reference-photos at every call of the prior, "
        "by so many grey levels: 0.5 is measured best (needs difface-cli[identity]).",
        rich_help_panel=METHOD,
    ),
]
Estimator = Annotated[
    str | None,
    typer.Option(
        "--estimator",
        metavar="NAME",
        help="Start from this estimator of models.toml, or that of another model.",
        rich_help_panel=METHOD,
    ),
]
SamplerOption = Annotated[
    Sampler, typer.Option("--sampler", help="How the chain runs back.", rich_help_panel=METHOD)
]
SamplerOrFast = Annotated[
    Sampler | None,
    typer.Option(
        "--sampler",
        help="How the chain runs back. Default: ddim, or dpm++ with --fast.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="10 calls of the prior by dpm++, as good as 100 by ddim; --steps says how many.",
        rich_help_panel=METHOD,
    ),
]
Gamma = Annotated[
    float,
    typer.Option(
        "--gamma",
        help="How strictly what is known holds the chain: 0 not at all; seams fade as it grows.",
        rich_help_panel=METHOD,
    ),
]
RefineOption = Annotated[
    Refine,
    typer.Option(
        "--refine",
        help="By equation 16 of the paper, or by the published code's gradient step.",
        rich_help_panel=METHOD,
    ),
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
ChooseOption = Annotated[
    Choose | None,
    typer.Option(
        "--choose",
        help="Keep one of the samples of each face: that which, degraded again, is nearest to the "
        "photo; the most like the person (needs difface fetch-weights arcface); the sharpest.",
        rich_help_panel=METHOD,
        show_default=False,
    ),
]
ReferencePhotos = Annotated[
    Path | None,
    typer.Option(
        "--reference-photos",
        metavar="DIR",
        help="Other photos of the person, for --choose identity and --guide; of each the largest "
        "face counts.",
        rich_help_panel=METHOD,
    ),
]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where to compute.", rich_help_panel=MACHINE)
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="What to compute in.", rich_help_panel=MACHINE)
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Translate the prior by torch.compile: slow to start, faster over many faces.",
        rich_help_panel=MACHINE,
    ),
]
Batch = Annotated[
    str,
    typer.Option(
        "--batch",
        metavar="auto|K",
        help="Faces a network call, of several photos; auto suits the device (1 on a CPU), and "
        "is halved when memory runs out.",
        rich_help_panel=MACHINE,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="Where to write; - is stdout. Default: NAME in a folder called restored, inpainted or "
        "colorized.",
        rich_help_panel=OUTPUT,
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        "--strength",
        help="0 keeps the original face, 1 takes the restored one.",
        rich_help_panel=FACES,
    ),
]
KeepDetail = Annotated[
    bool,
    typer.Option(
        "--keep-detail",
        help="Put the photo's own fine detail back where it has more than the face drawn.",
        rich_help_panel=FACES,
    ),
]
Grain = Annotated[
    bool,
    typer.Option(
        "--grain",
        help="Give the face drawn the grain of the photo around it.",
        rich_help_panel=FACES,
    ),
]
Aligned = Annotated[
    bool,
    typer.Option(
        "--aligned",
        help="Each photo is one face, aligned as in FFHQ; of any shape for inpaint.",
        rich_help_panel=FACES,
    ),
]
Faces = Annotated[
    str,
    typer.Option(
        "--faces",
        help="all, largest, center, or numbers such as 0,2 (see --dry-run).",
        rich_help_panel=FACES,
    ),
]
FaceByHand = Annotated[
    list[str] | None,
    typer.Option(
        "--face",
        metavar="X,Y,W,H",
        help="A face that is not found: its box from brow to chin, in pixels. Repeatable.",
        rich_help_panel=FACES,
    ),
]
LandmarksByHand = Annotated[
    list[str] | None,
    typer.Option(
        "--landmarks",
        metavar="X1,Y1,…,X5,Y5",
        help="A face that is not found: left eye, right eye, nose, left and right corner of the "
        "mouth as seen. Repeatable.",
        rich_help_panel=FACES,
    ),
]
MinFace = Annotated[
    float,
    typer.Option(
        "--min-face", metavar="PX", help="Leave narrower faces alone.", rich_help_panel=FACES
    ),
]
GateOption = Annotated[
    Gate,
    typer.Option(
        "--gate",
        help="Leave faces alone that restoring would harm, and say why: already sharp, turned "
        "away, cut off, moved or guessed at by what was drawn.",
        rich_help_panel=FACES,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Restore what the gate would leave alone.", rich_help_panel=FACES),
]
Trust = Annotated[
    int,
    typer.Option(
        "--trust",
        metavar="K",
        help="Draw each face with K seeds, and tell how much they differ.",
        rich_help_panel=OUTPUT,
    ),
]
DetectSize = Annotated[
    int,
    typer.Option(
        "--detect-size",
        metavar="PX",
        min=64,
        help="Longest side of the copy that faces are looked for in.",
        rich_help_panel=FACES,
    ),
]
Detector = Annotated[
    str | None,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="Find faces with this detector of models.toml, not the model's own.",
        rich_help_panel=FACES,
    ),
]
Parser = Annotated[
    str | None,
    typer.Option(
        "--parser",
        metavar="NAME",
        help="Paste within the outline that this parser of models.toml finds.",
        rich_help_panel=FACES,
    ),
]
GrayOption = Annotated[
    Gray,
    typer.Option(
        "--gray",
        help="Restore faces without colour; auto: in grey photos.",
        rich_help_panel=FACES,
    ),
]
Upscale = Annotated[
    int,
    typer.Option("--upscale", help="Enlarge the photo 1, 2 or 4 times.", rich_help_panel=OUTPUT),
]
Background = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="NAME",
        help="Enlarge what is not a face with this network of models.toml, not by Lanczos.",
        rich_help_panel=OUTPUT,
    ),
]
Quality = Annotated[
    int,
    typer.Option(
        "--quality", min=1, max=100, help="Of JPEG and WebP files.", rich_help_panel=OUTPUT
    ),
]
SaveFaces = Annotated[
    bool,
    typer.Option(
        "--save-faces",
        help="Also write each face: as found, estimated, restored.",
        rich_help_panel=OUTPUT,
    ),
]
Report = Annotated[
    bool,
    typer.Option(
        "--report",
        help="Also write NAME.html: before and after to look at, faces, settings.",
        rich_help_panel=OUTPUT,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=OUTPUT),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Only show the faces, numbered, and what restoring them would cost.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print a JSON line a photo.", rich_help_panel=OUTPUT),
]


FOLDERS = "Folders"


class Engine(StrEnum):
    """What does the photos of a folder."""

    local = "local"
    ray = "ray"


PhotosOrFolders = Annotated[
    list[str], typer.Argument(help="Photos, or folders of photos; - reads stdin.")
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", help="Also the folders within.", rich_help_panel=FOLDERS),
]
Include = Annotated[
    list[str],
    typer.Option(
        "--include",
        metavar="GLOB",
        help="Only these of a folder's pictures, such as 'scan_*'; repeatable.",
        rich_help_panel=FOLDERS,
        show_default=False,
    ),
]
Exclude = Annotated[
    list[str],
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Not these files and folders; repeatable.",
        rich_help_panel=FOLDERS,
        show_default=False,
    ),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Wait for photos that are still to come, until Ctrl-C.",
        rich_help_panel=FOLDERS,
    ),
]
FailFast = Annotated[
    bool,
    typer.Option(
        "--fail-fast", help="Stop at the first photo that fails.", rich_help_panel=FOLDERS
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="Work in this process, or on the workers of a Ray cluster (or RAY_ADDRESS).",
        rich_help_panel=FOLDERS,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        help="Of --engine ray; 0: one for each processor, or GPU.",
        rich_help_panel=FOLDERS,
    ),
]
