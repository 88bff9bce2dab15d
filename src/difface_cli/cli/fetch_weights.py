"""`difface fetch-weights`: what there is, what is here, and bringing the rest, with consent."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.base.errors import DifFaceError, UsageError, WeightsInvalid, WeightsMissing
from difface_cli.cli import console, shared, transfers

if TYPE_CHECKING:
    from difface_cli.weights.convert import Form
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
    from difface_cli.weights import registry

    known = registry.load(models)
    if show or verify:
        print_models(known, _chosen(known, names or list(known.models)), verify)
        return
    if not names and not everything:
        raise UsageError(
            "Name a model, or use --all.", "See them with: difface fetch-weights --list"
        )
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Give --from the folder with the files.")
    missing = _missing(_needed(known, _chosen(known, list(known.models) if everything else names)))
    if not missing:
        console.plain("Everything is here and verified.")
        return
    for weights in missing:
        _describe(weights, folder)
    if dry_run:
        return
    if folder is None:
        _agree(missing, accept)
    _fetch(missing, folder, offline, form(dtype))


def form(dtype: shared.Stored | None) -> Form:
    """How files are converted, with the checks of every network this tool knows."""
    import torch

    from difface_cli.models.fitting import CHECKS
    from difface_cli.weights.convert import Form

    kinds = {"fp32": torch.float32, "fp16": torch.float16}
    return Form(kinds[dtype] if dtype else None, CHECKS)


def print_models(known: Registry, models: list[Model], verify: bool) -> None:
    """Print a table of models: name, parts, size, here or not, verified.

    Raises:
        WeightsInvalid: after the table, when a file is not what it should be.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("parts", overflow="fold")
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("verified", no_wrap=True)
    failures: dict[str, DifFaceError] = {}
    for model in models:
        parts = [w for part in model.parts if (w := known.part(model, part))]
        here, verified = _state(parts, verify, failures)
        sizes = [weights.size for weights in parts]
        size = f"{sum(sizes) / 1e6:,.0f}" + ("" if all(sizes) else " + ?")
        cells = (model.name, ", ".join(model.parts), size, here, verified)
        table.add_row(*(Text(console.literal(cell)) for cell in cells))
    console.out().print(table)
    if not verify:
        console.plain("Nothing was hashed; --verify does. Every file is, each time it is used.")
    for failure in failures.values():
        console.say("error", failure.message, failure.hint)
    if failures:
        raise typer.Exit(WeightsInvalid.exit_code)


def _state(
    parts: list[Weights], verify: bool, failures: dict[str, DifFaceError]
) -> tuple[str, str]:
    """What the columns here and verified say of a model's parts."""
    from difface_cli.weights import fetch, store

    here = [weights for weights in parts if fetch.is_here(weights)]
    if len(here) < len(parts):
        return (f"{len(here)} of {len(parts)}" if here else "no"), "-"
    if not verify:
        return "yes", "not checked"
    good = True
    for weights in parts:
        try:
            store.verified(weights)
        except DifFaceError as e:
            good, failures[weights.name] = False, e
    return "yes", "yes" if good else "NO"


def _chosen(known: Registry, names: Iterable[str] | None) -> list[Model]:
    """Models by name; weights of their own count as a model of one part."""
    from difface_cli.weights.registry import Model

    chosen = []
    for name in dict.fromkeys(names or ()):
        if name not in known.models and name in known.weights:
            part = known.weights[name].part
            chosen.append(Model(name, "restore", {part: name}))
        else:
            chosen.append(known.model(name))
    return chosen


def _needed(known: Registry, models: list[Model]) -> list[Weights]:
    """The weights of the models, each once."""
    parts = (known.part(model, part) for model in models for part in model.parts)
    return list({weights.name: weights for weights in parts if weights}.values())


def _missing(needed: list[Weights]) -> list[Weights]:
    """Those that are not here, or not as they should be.

    Raises:
        WeightsMissing, WeightsInvalid: for files that are not fetched but local.
    """
    from difface_cli.weights import store

    missing = []
    for weights in needed:
        try:
            store.verified(weights)
        except (WeightsMissing, WeightsInvalid):
            if not weights.remote:
                raise
            missing.append(weights)
    return missing


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


def _fetch(missing: list[Weights], folder: Path | None, offline: bool, form: Form) -> None:
    from difface_cli.weights.fetch import Way, fetch

    way = Way(folder=folder, offline=offline, form=form)
    with transfers.bars() as report:
        for weights in missing:
            path = fetch(weights, way, report)
            console.plain(f"{weights.name}: verified, {path.stat().st_size:,} bytes, {path}")
