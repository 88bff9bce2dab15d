"""Where weights lie on this machine. Nothing leaves here before its hash was checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from difface_cli.errors import WeightsInvalid, WeightsMissing
from difface_cli.registry import Source, Weights

PACKAGE = Path(__file__).parents[1]


def verified(weights: Weights) -> Path:
    """The file of these weights, its hash checked.

    Raises:
        WeightsMissing: when no source of them is on this machine.
        WeightsInvalid: when the file is not the one the registry describes, or the registry
            gives no hash to check it against.
    """
    path = find(weights)
    digest = sha256(path)
    if not weights.sha256:
        raise WeightsInvalid(
            f"The weights {weights.name} have no hash to check {path} against.",
            f'If you trust the file, add to [weights.{weights.name}]: sha256 = "{digest}"',
        )
    if digest != weights.sha256:
        raise WeightsInvalid(
            f"{path} is not what the weights {weights.name} should be: its sha256 is {digest}.",
            f"Replace it by the file with the sha256 {weights.sha256}.",
        )
    return path


def find(weights: Weights) -> Path:
    """The first source that is a file on this machine, not checked yet.

    Raises:
        WeightsMissing: when there is none.
    """
    local = [path for source in weights.sources if (path := local_path(source))]
    for path in local:
        if path.is_file():
            return path
    where = f" at {local[0]}" if local else ""
    raise WeightsMissing(
        f"The weights {weights.name} are not on this machine{where}.",
        "Reinstall difface-cli, or correct the path in your models.toml.",
    )


def local_path(source: Source) -> Path | None:
    """Where a source lies on this machine; None for one that must be fetched."""
    if source.kind == "package":
        return PACKAGE / source.location
    return Path(source.location) if source.kind == "path" else None


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
