"""Options about folders of photos."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

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
