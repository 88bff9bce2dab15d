"""`difface fetch-weights`: what there is, what is here, and bringing the rest, with consent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.base.errors import DifFaceError, UsageError, WeightsInvalid
from difface_cli.cli import console, shared

if TYPE_CHECKING:
    from difface_cli.weights.download import Report
    from difface_cli.weights.fetch import Way
    from difface_cli.weights.registry import Model, Registry, Weights

NON_COMMERCIAL = "DifFace's own weights are for non-commercial use only (S-Lab License 1.0)."
SYNTHESISED = "Restored detail is synthesised: it is no evidence of identity."


def register(app: typer.Typer) -> None:
    """Add `difface fetch-weights`."""
    app.command("fetch-weights")(fetch_weights)


Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Models of models.toml.")
]
All = Annotated[bool, typer.Option("--all", help="Every model there is.")]
List = Annotated[bool, typer.Option("--list", help="Show the models and stop.")]
Verify = Annotated[bool, typer.Option("--verify", help="Hash what is here, fetch nothing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched and stop.")]
From = Annotated[
    Path | None, typer.Option("--from", metavar="DIR", help="Take files you have from DIR.")
]
Accept = Annotated[
    bool, typer.Option("--accept-license", help="Agree to the licences without a question.")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Make no connection (or HF_HUB_OFFLINE=1).")
]
Dtype = Annotated[
    shared.Stored | None,
    typer.Option("--dtype", help="Of the numbers a fetch keeps. Default: the file's own."),
]


def fetch_weights(
    names: Names = None,
    everything: All = False,
    show: List = False,
    verify: Verify = False,
    dry_run: DryRun = False,
    folder: From = None,
    accept: Accept = False,
    offline: Offline = False,
    dtype: Dtype = None,
    models: shared.Models = None,
) -> None:
    """Fetch the weights of a model, check their hashes, and keep them as safetensors.

    Files come from the Hugging Face Hub or their authors' releases into DIFFACE_HOME (or the
    user's cache). HF_ENDPOINT names a mirror.
    """
    from difface_cli.weights import fetch, registry

    known = registry.load(models)
    if show or verify:
        _print(known, known.named(names or known.models), verify)
        return
    if not names and not everything:
        raise UsageError(
            "Name a model, or use --all.", "See them with: difface fetch-weights --list"
        )
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Give --from the folder with the files.")
    chosen = known.named(known.models if everything else names or ())
    missing = fetch.missing(known.parts(*chosen))
    if not missing:
        console.plain("Everything is here and verified.")
        return
    for weights in missing:
        _describe(weights, folder)
    if dry_run:
        return
    if folder is None:
        _agree(missing, accept)
    from difface_cli.models.fitting import form  # which imports every network

    _fetch(missing, fetch.Way(folder, offline, form(dtype)))


def _print(known: Registry, models: Iterable[Model], verify: bool) -> None:
    """Print a table of models: name, parts, size, here or not, verified.

    Raises:
        typer.Exit: after the table, when a file is not what it should be.
    """
    wrong: dict[str, DifFaceError] = {}
    rows = []
    for model in models:
        parts = known.parts(model)
        sizes = [weights.size for weights in parts]
        size = f"{sum(sizes) / 1e6:,.0f}" + ("" if all(sizes) else " + ?")
        rows.append((model.name, ", ".join(model.parts), size, *_state(parts, verify, wrong)))
    heads = ("model", "parts", "MB", "here", "verified")
    console.table(heads, rows, right=("MB",), fold=("model", "parts"))
    if not verify:
        console.plain("Nothing was hashed; --verify does. Every file is, each time it is used.")
    for error in wrong.values():
        console.say("error", error.message, error.hint)
    if wrong:
        raise typer.Exit(WeightsInvalid.exit_code)


def _state(parts: list[Weights], verify: bool, wrong: dict[str, DifFaceError]) -> tuple[str, str]:
    """What the columns here and verified say of a model's parts."""
    from difface_cli.weights import fetch

    here = sum(map(fetch.is_here, parts))
    if here < len(parts):
        return (f"{here} of {len(parts)}" if here else "no"), "-"
    if not verify:
        return "yes", "not checked"
    faults = fetch.faults(parts)
    wrong |= {weights.name: error for weights, error in faults}
    return "yes", "NO" if faults else "yes"


def _describe(weights: Weights, folder: Path | None) -> None:
    """Print what a download is: sources in order, size, hash, licence."""
    console.plain(f"{weights.name} ({weights.part})")
    for source in weights.remote:
        size = f"{source.size:,} bytes" if source.size else "size not published"
        digest = source.sha256 or "not published, recorded at the first fetch"
        console.plain(f"  from {folder / source.file_name if folder else source}")
        console.plain(f"    {size}, sha256 {digest}")
    console.plain(f"  licence {weights.licence or 'unknown'} {weights.licence_url}".rstrip())
    if weights.notes:
        console.plain(f"  {weights.notes}")


def _agree(missing: list[Weights], accept: bool) -> None:
    """Ask for consent.

    Raises:
        UsageError: when nobody is there to ask.
    """
    if any(weights.licence.startswith("S-Lab") for weights in missing):
        console.plain(NON_COMMERCIAL)
    console.plain(SYNTHESISED)
    if accept:
        return
    if not at_terminal():
        raise UsageError(
            "Nothing was fetched: these licences need your consent.",
            "Run the same command with --accept-license.",
        )
    if not typer.confirm("Accept the licences and fetch?", err=True):
        console.plain("Nothing was fetched.")
        raise typer.Exit(1)


def at_terminal() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty()


def _fetch(missing: list[Weights], way: Way) -> None:
    from difface_cli.weights.fetch import fetch

    with _bars() as report:
        for weights in missing:
            path = fetch(weights, way, report)
            console.plain(f"{weights.name}: verified, {path.stat().st_size:,} bytes, {path}")


@contextmanager
def _bars() -> Iterator[Report]:
    """Show what is being fetched, and how far it is; nothing where stderr is no terminal."""
    from difface_cli.weights.fetch import silent

    terminal = console.err()
    if not terminal.is_terminal:
        yield silent
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=24),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=terminal, transient=True) as shown:
        task = shown.add_task("")
        labels: set[str] = set()

        def report(label: str, done: int, total: int) -> None:
            if label not in labels:
                labels.add(label)
                shown.reset(task)
            shown.update(
                task, description=console.literal(label), completed=done, total=total or None
            )

        yield report
