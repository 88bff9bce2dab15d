"""Put trained weights into the package and their size and hash into models.toml.

    python training/embed.py prior=prior.safetensors drunet=drunet.safetensors

Without arguments, sizes and hashes are brought up to date with the files in the package.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from difface_cli.base.hashing import sha256
from difface_cli.weights.store import PACKAGE

PARTS = ("prior", "drunet", "estimator", "srcnn", "lama", "detector", "landmarks")


def main() -> None:
    """Copy the named files, then write bytes and sha256 of each part into its block."""
    starter = PACKAGE / "starter"
    for argument in sys.argv[1:]:
        part, _, source = argument.partition("=")
        if part not in PARTS:
            sys.exit(f"{part!r} is none of {', '.join(PARTS)}")
        embed(Path(source), starter / f"{part}.safetensors")

    registry = Path(__file__).parents[1] / "models.toml"
    text = registry.read_text(encoding="utf-8")
    for part in PARTS:
        path = starter / f"{part}.safetensors"
        block = rf'(\[weights\.starter-{part}\]\n.*?bytes = )\d+(\nsha256 = ")[0-9a-f]*(")'
        facts = rf"\g<1>{path.stat().st_size}\g<2>{sha256(path)}\g<3>"
        text, found = re.subn(block, facts, text, count=1, flags=re.DOTALL)
        if not found:
            sys.exit(f"models.toml has no block for starter-{part}")
    registry.write_text(text, encoding="utf-8")


def embed(source: Path, target: Path) -> None:
    """Copy a file of weights with the counters of its batch norms, zero where it has none.

    An average of weights has no average count, and a network's state wants one; it is not used.
    """
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in [name for name in state if name.endswith(".running_mean")]:
        counter = name.removesuffix("running_mean") + "num_batches_tracked"
        state.setdefault(counter, torch.zeros((), dtype=torch.int64))
    save_file(state, target, metadata)


if __name__ == "__main__":
    main()
