"""`difface plugins`: which commands come from where, and which are missing and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from difface_cli.base.plugins import Plugin
from difface_cli.cli import console


def register(app: typer.Typer) -> None:
    """Add `difface plugins`."""
    app.command("plugins")(list_plugins)


def list_plugins(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the plugins, and why one was skipped."""
    found: tuple[Plugin, ...] = ctx.obj
    if as_json:
        typer.echo(json.dumps([asdict(plugin) for plugin in found], indent=2))
    else:
        _print_table(found)


def _print_table(found: tuple[Plugin, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "package", "version"):
        table.add_column(heading, no_wrap=True)
    table.add_column("state", overflow="fold")
    for plugin in found:
        state = Text(console.literal(plugin.error or "ok"), "green" if not plugin.error else "red")
        cells = (plugin.name, plugin.distribution, plugin.version)
        table.add_row(*(Text(console.literal(cell)) for cell in cells), state)
    console.out().print(table)
