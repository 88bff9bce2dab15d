"""`difface convert`: a published checkpoint into safetensors, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from difface_cli.base.errors import OutputError, UsageError
from difface_cli.cli import console, shared

if TYPE_CHECKING:
    from difface_cli.weights.registry import Registry, Weights


def register(app: typer.Typer) -> None:
    """Add `difface convert`."""
    app.command("convert")(convert)


def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A .pth, .bin or .safetensors.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The .safetensors to write.")],
    network: Annotated[
        str,
        typer.Option(
            "--network",
            metavar="NAME",
            help="Weights of models.toml that the file fits, or a network with --params.",
        ),
    ],
    params: Annotated[
        Path | None,
        typer.Option("--params", metavar="FILE", help="JSON of the network's parameters."),
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", help="Take only the names that begin so, without it.")
    ] = "",
    dtype: Annotated[
        shared.Stored | None,
        typer.Option("--dtype", help="Of the numbers written. Default: the file's own."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace DST where it exists.")
    ] = False,
    models: shared.Models = None,
) -> None:
    """Convert a checkpoint to safetensors, checked name by name against its network.

    Nothing in the file is run: a pickle that holds more than tensors is refused.
    """
    from difface_cli.base.hashing import sha256
    from difface_cli.models.fitting import form
    from difface_cli.weights import registry
    from difface_cli.weights.convert import convert as run
    from difface_cli.weights.registry import Source

    if target.suffix != ".safetensors":
        raise UsageError(f"{target} is not named .safetensors.", "Give DST that ending.")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already.", "Add --overwrite to replace it.")
    if not source.is_file():
        raise UsageError(f"{source} does not exist or is no file.", "Check the path of SRC.")
    weights = _weights(registry.load(models), network, params)
    origin = Source("path", str(source), prefix=prefix)
    digest = run(source, target, weights, origin, sha256(source), form(dtype))
    console.plain(f'{target}  sha256 = "{digest}"')


def _weights(known: Registry, network: str, params: Path | None) -> Weights:
    from difface_cli.networks import NETWORKS
    from difface_cli.weights.registry import Weights

    if params is not None:
        return Weights(network, "prior", network, params=_read(params))
    if network in known.weights:
        return known.weights[network]
    wanted = "needs --params FILE" if network in NETWORKS else "is no weights block of models.toml"
    raise UsageError(
        f"--network {network} {wanted}.", f"Or choose one of: {', '.join(known.weights)}."
    )


def _read(path: Path) -> dict[str, Any]:
    import json

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise UsageError(f"{path} cannot be read as JSON: {e}.", "Correct the file.") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no JSON object.", 'Write {"name": value, …}.')
    return content
