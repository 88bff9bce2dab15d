"""The most memory a restoration holds: peak resident size of `difface restore`, in GB of 1000³.

python benchmarks/memory.py [group] [512] [--steps 3]

`group`: a photo of 24 megapixels with ten faces, by the starter. `512`: one aligned face by
networks of the official sizes with random weights, computing in bfloat16, their files in float32.
Steps after the second hold no more. The limit is 2 GB for each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors.torch import save_file

from difface_cli.base.hashing import sha256
from difface_cli.base.machine import processor
from difface_cli.models import inference
from difface_cli.weights import registry

sys.path.insert(0, str(Path(__file__).parent))
from overhead import PORTRAIT, group

LIMIT = 2.0  # GB
KINDS = ("group", "512")


def main() -> int:
    """Print each peak; the exit code is 1 above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--steps", default="3")
    wishes = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores")
    late = False
    for kind in wishes.kinds:
        with tempfile.TemporaryDirectory() as name:
            arguments = starter(Path(name)) if kind == "group" else official(Path(name))
            peak = most([*arguments, "--steps", wishes.steps, "-o", f"{name}/out.jpg"])
        print(f"{kind}: {peak:.2f} GB, limit {LIMIT} GB")
        late = late or peak > LIMIT
    return int(late)


def starter(folder: Path) -> list[str]:
    """A large group photo, and how it is restored."""
    return [str(group(folder / "group.jpg", "6000x4000")), "--precision", "bf16"]


def official(folder: Path) -> list[str]:
    """An aligned face, and how it is restored by untrained networks of the official sizes."""
    Image.open(PORTRAIT).convert("RGB").resize((512, 512)).save(folder / "face.png")
    known, blocks = registry.load(None), []
    for part, name in known.model("difface-512", "restore").parts.items():
        weights = known.weights[name]
        if part in ("prior", "estimator"):
            file = folder / f"{part}.safetensors"
            save_file(inference.untrained(weights).state_dict(), file)
            blocks.append(_block(part, weights.network, weights.params, file))
    model = (
        '[models.big]\ntask = "restore"\nprior = "big-prior"\nestimator = "big-estimator"\n'
        'detector = "starter-detector"\nimage_size = 512\nn = 400\nsteps = 100\n'
    )
    (folder / "models.toml").write_text("\n".join([model, *blocks]), encoding="utf-8")
    chosen = ["--models", f"{folder}/models.toml", "--model", "big"]
    return [f"{folder}/face.png", "--aligned", "--precision", "bf16", *chosen]


def _block(part: str, network: str, params: Mapping[str, Any], file: Path) -> str:
    lines = [f"{key} = {json.dumps(value, default=list)}" for key, value in params.items()]
    head = f'[weights.big-{part}]\npart = "{part}"\nnetwork = "{network}"\n'
    source = f'sources = [{{ path = "{file}" }}]\nsha256 = "{sha256(file)}"\n'
    return "\n".join([head + source + f"[weights.big-{part}.params]", *lines, ""])


def most(arguments: list[str]) -> float:
    """The most GB that `difface restore` with these arguments held."""
    command = [sys.executable, "-m", "difface_cli", "restore", *arguments, "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return usage.ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    raise SystemExit(main())
