"""Write docs/cli.md from the commands themselves.

    python docs/cli.py

The test suite compares the file with what this renders.
"""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from difface_cli.cli.app import build

PATH = Path(__file__).with_name("cli.md")
HEAD = """# The commands

Made from the commands' own help by `python docs/cli.py`. `difface COMMAND --help` shows the same.
"""


def render() -> str:
    """The whole page."""
    app, _ = build()
    group: Any = typer.main.get_command(app)
    commands = [(name, group.commands[name]) for name in sorted(group.commands)]
    return "\n".join([HEAD, *(section(name, command) for name, command in commands)])


def section(name: str, command: Any) -> str:
    """One command: its help, its arguments, its options."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["difface", name, *map(argument, arguments)])
    lines = [f"## {name}", "", f"`{usage}`", "", inspect.cleandoc(command.help or ""), ""]
    if options:
        lines += ["| option | what it does | default |", "| --- | --- | --- |"]
        lines += [row(option) for option in options]
        lines.append("")
    return "\n".join(lines)


def argument(parameter: Any) -> str:
    """PHOTO..., or [NAME]... where it may be left out."""
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def row(option: Any) -> str:
    """An option as a line of the table."""
    names = ", ".join(f"`{o}`" for o in (*option.opts, *option.secondary_opts))
    default = option.default
    unset = callable(default) or default in (None, False, (), "")
    shown = "" if unset else f"`{getattr(default, 'value', default)}`"
    text = option.help or ""
    if isinstance(default, Enum):
        text += f" One of: {', '.join(choice.value for choice in type(default))}."
    return f"| {names} | {text.replace('|', chr(92) + '|')} | {shown} |"


def main() -> None:
    """Write the page."""
    PATH.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
