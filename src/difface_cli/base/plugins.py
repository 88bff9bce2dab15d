"""Commands from entry points, so that a built-in command and a plugin register alike.

A distribution that declares

    [project.entry-points."difface.plugins"]
    hello = "difface_hello"

adds the commands that `difface_hello.register(app)` puts on the Typer app it is given. One broken
plugin is skipped with a reason; it never takes the tool down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata

import typer
from rich.markup import render
from typer.main import get_group

GROUP = "difface.plugins"
BUILT_IN = "difface-cli"


@dataclass(frozen=True)
class Plugin:
    """One entry point and what became of it.

    Attributes:
        name: of the entry point.
        distribution, version: of the package that declares it.
        value: the module or object it points to.
        error: why it was skipped, in one line; None when its commands are there.
    """

    name: str
    distribution: str
    version: str
    value: str
    error: str | None = None


class _Refused(Exception):
    """A plugin that cannot be taken; the text is the reason."""


def load(app: typer.Typer) -> tuple[Plugin, ...]:
    """Add every plugin's commands to `app`: built-in ones first, then by name.

    Returns:
        all plugins found, those that were skipped with their `error`.
    """
    owners: dict[str, str] = {}
    return tuple(_load_one(app, plugin, owners) for plugin in sorted(discover(), key=_rank))


def discover() -> Iterator[Plugin]:
    """Every entry point of the group in this environment, nothing imported yet."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        # Only the few packages that name the group get their metadata parsed: that is slow.
        try:
            declared = GROUP in (distribution.read_text("entry_points.txt") or "")
        except ValueError:
            continue  # another package's file, and not even text
        if declared:
            name, version = _identity(distribution)
            if name not in seen:  # the first on the path is the one that Python imports
                seen.add(name)
                yield from _declared(distribution, name, version)


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or "unknown", distribution.version or "unknown"
    except Exception:  # half-removed packages have no METADATA
        return "unknown", "unknown"


def _declared(distribution: metadata.Distribution, name: str, version: str) -> Iterator[Plugin]:
    try:
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
    except Exception as error:
        reason = f"its entry_points.txt is damaged ({_one_line(error)})"
        entries = []
        yield Plugin(name, name, version, "entry_points.txt", reason)
    for entry in entries:
        yield Plugin(entry.name, name, version, entry.value)


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
        return replace(plugin, error=_one_line(error))
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


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
