"""The smallest difface plugin: it adds `difface hello NAME`."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this plugin to difface's `app`."""
    app.command()(hello)


def hello(name: Annotated[str, typer.Argument(help="Who is greeted.")]) -> None:
    """Greet somebody."""
    typer.echo(f"Hello, {name}!")
