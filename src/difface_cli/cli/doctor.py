"""`difface doctor`: whether this machine has and can do what a run needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from difface_cli.cli import console, shared

if TYPE_CHECKING:
    from rich.text import Text

    from difface_cli.doctor import Finding

BROKEN = 1
STYLES = {"ok": "green", "note": "yellow", "failed": "red"}


def register(app: typer.Typer) -> None:
    """Add `difface doctor`."""
    app.command("doctor")(doctor)


def doctor(
    ctx: typer.Context,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Where results would go."),
    ] = Path("restored"),
    models: shared.Models = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the installation, and say what to do where something fails.

    Looks at versions, plugins, devices and their precisions, weights (hashed), the folders that
    are written to, free disk, and restores a tiny picture. Nothing is fetched or left behind.

    Exit codes: 0 all well, 1 something fails.
    """
    from difface_cli import doctor as checkup
    from difface_cli.weights import registry

    known = cache(lambda: registry.load(models))
    found = list(checkup.examine(checkup.checks(known, ctx.obj, output)))
    failed = sum(finding.state == checkup.FAILED for finding in found)
    if as_json:
        record = {"ok": not failed, "findings": [asdict(finding) for finding in found]}
        typer.echo(json.dumps(record, ensure_ascii=True))
    else:
        console.table(("check", "state", "found"), map(_row, found), fold=("found",))
        console.plain(f"{failed} of {len(found)} checks failed." if failed else "All is well.")
    raise typer.Exit(BROKEN if failed else 0)


def _row(finding: Finding) -> tuple[str, Text, Text]:
    from rich.text import Text

    told = Text(console.literal(finding.told))
    if finding.hint:
        told.append("\n" + console.literal(finding.hint), "bold")
    return finding.check, Text(finding.state, STYLES[finding.state]), told
