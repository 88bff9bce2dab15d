"""Commands from entry points, and `difface plugins`, which tells where each comes from.

A distribution that declares

    [project.entry-points."difface.plugins"]
    hello = "difface_hello"

adds the commands that `difface_hello.register(app)` puts on the Typer app it is given, as the
built-in ones do. One broken plugin is skipped with a reason; it never takes the tool down.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib import metadata
from typing import Annotated

import typer
from rich.markup import render
from rich.text import Text
from typer.main import get_group

from difface_cli.base.plugins import BUILT_IN, GROUP, Plugin, discover, one_line
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
        console.table(("name", "package", "version", "state"), map(_row, found), fold=("state",))


def _row(plugin: Plugin) -> tuple[str, str, str, Text]:
    state = Text(console.literal(plugin.error or "ok"), "red" if plugin.error else "green")
    return plugin.name, plugin.distribution, plugin.version, state


def load(app: typer.Typer) -> tuple[Plugin, ...]:
    """Add every plugin's commands to `app`: built-in ones first, then by name.

    Returns:
        all plugins found, those that were skipped with their `error`.
    """
    owners: dict[str, str] = {}
    return tuple(_load_one(app, plugin, owners) for plugin in sorted(discover(), key=_rank))


class _Refused(Exception):
    """A plugin that cannot be taken; the text is the reason."""


def _rank(plugin: Plugin) -> tuple[bool, str, str]:
    return plugin.distribution != BUILT_IN, plugin.name, plugin.distribution


def _load_one(app: typer.Typer, plugin: Plugin, owners: dict[str, str]) -> Plugin:
    if plugin.error is not None:
        return plugin
    try:
        trial = _register(plugin)
        names = _commands(trial)
        for name in names:
            if name in owners:
                raise _Refused(f"the command '{name}' is there already, from {owners[name]}")
    except _Refused as refused:
        return replace(plugin, error=str(refused))
    except (Exception, SystemExit) as error:  # whatever foreign code may do
        return replace(plugin, error=one_line(error))
    owners.update(dict.fromkeys(names, plugin.distribution))
    app.registered_commands.extend(trial.registered_commands)
    app.registered_groups.extend(trial.registered_groups)
    return plugin


def _register(plugin: Plugin) -> typer.Typer:
    """Let the plugin register on an app of its own, which is dropped when it fails midway."""
    target = metadata.EntryPoint(plugin.name, plugin.value, GROUP).load()
    register = getattr(target, "register", None)
    if not callable(register):
        raise _Refused(f"{plugin.value} has no register(app)")
    trial = typer.Typer()
    register(trial)
    if trial.registered_callback is not None:
        raise _Refused("it sets a callback for the whole app; only commands can be added")
    return trial


def _commands(trial: typer.Typer) -> list[str]:
    """The names of the commands, each built once: bad parameters or help show here."""
    commands = get_group(trial).commands
    for command in commands.values():
        render(command.help or "")
        render(command.short_help or "")
    return list(commands)
