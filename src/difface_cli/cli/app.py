"""The `difface` command: plugins loaded, the one place where errors are printed."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from difface_cli import __version__
from difface_cli.base import threads
from difface_cli.base.plugins import Plugin
from difface_cli.cli import console, failures, plugins

HELP = """
Restore the faces in old and damaged photos: estimate, diffuse, denoise back.

Restored detail is synthesised: it is no evidence of identity.
"""


class _Group(TyperGroup):
    """A command group that turns every exception into one sentence and an exit code."""

    debug = False

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except BrokenPipeError:
            _abandon_stdout()
            raise SystemExit(1) from None
        except Exception as error:
            raise SystemExit(failures.report(error, self.debug or _debug_asked())) from error

    def invoke(self, ctx: Any) -> Any:
        self.debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(failures.interrupted()) from None


def build() -> tuple[typer.Typer, tuple[Plugin, ...]]:
    """Make the app with the commands of all plugins.

    Returns:
        the app, and every plugin with the reason if it was skipped. Commands find the same
        tuple as `ctx.obj`.
    """
    app = typer.Typer(
        cls=_Group,
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def difface(
        ctx: typer.Context,
        version: Annotated[
            bool,
            typer.Option(
                "--version", help="Print the version.", callback=_show_version, is_eager=True
            ),
        ] = False,
        debug: Annotated[
            bool, typer.Option("--debug", help="Show tracebacks; so does DIFFACE_DEBUG=1.")
        ] = False,
    ) -> None:
        ctx.obj = found

    found = plugins.load(app)
    _unwrap_help(app)
    return app, found


def _unwrap_help(app: typer.Typer) -> None:
    """Let the terminal break the lines of docstrings where it likes, and not where they do."""
    for command in app.registered_commands:
        if command.help is None and command.callback is not None and command.callback.__doc__:
            paragraphs = inspect.cleandoc(command.callback.__doc__).split("\n\n")
            command.help = "\n\n".join(" ".join(part.split()) for part in paragraphs)


def main() -> None:
    """Run `difface` with the arguments of the process, and exit."""
    # What Apple's GPUs cannot do, the CPU does; PyTorch reads this when it is imported.
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    threads.prepare()
    try:
        app, found = build()
        if "_DIFFACE_COMPLETE" not in os.environ:  # a shell asks for completions
            _warn_of_skipped(found)
        app(prog_name="difface")
    except KeyboardInterrupt:
        raise SystemExit(failures.interrupted()) from None
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _abandon_stdout()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"difface {__version__}")
        raise typer.Exit


def _warn_of_skipped(found: tuple[Plugin, ...]) -> None:
    for plugin in found:
        if plugin.error is not None:
            console.warn(
                f"plugin '{plugin.name}' of {plugin.distribution} is skipped: {plugin.error}"
                " (see: difface plugins)"
            )


def _debug_asked() -> bool:
    return os.environ.get("DIFFACE_DEBUG", "0") not in {"", "0"}


def _abandon_stdout() -> None:
    """Let the interpreter's last flush go nowhere, since the reader of the pipe has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
