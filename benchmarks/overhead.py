"""What a photo with ten faces costs beside the networks that draw them: seconds and share by stage.

python benchmarks/overhead.py [PHOTO] [--size 6000x4000] [--steps 50] [--format jpg]
python benchmarks/overhead.py --official      # networks of the official sizes, untrained, by --fast

Without a photo of your own, ten copies of the bundled portrait are laid out on a canvas of this
size. The photo is restored once before the clock starts, in two steps, so that what counts is a
photo in a folder of many; the limit is 5 % with the starter's own settings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from difface_cli import models
from difface_cli.runs import jobs as outputs
from difface_cli.runs import work
from difface_cli.runs.session import Session
from difface_cli.tasks import options
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry

sys.path.insert(0, str(Path(__file__).parent))
from difface_cli.base.machine import processor

LIMIT = 0.05
FACES = 10
PORTRAIT = Path(__file__).parents[1] / "examples" / "photos" / "astronaut_old.jpg"
NETWORKS = ("estimate", "denoise")


def main() -> int:
    """Print the table; the exit code is 1 above the limit."""
    wishes = arguments()
    session = official() if wishes.official else starter(wishes.steps)
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    print(f"{session.model.name}, {processor()}, {threads}, {session.dtype}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = wishes.photo or group(folder / f"group.{wishes.format}", wishes.size)
        quick = replace(session.options.settings, steps=2)
        few = replace(session, options=replace(session.options, settings=quick))
        vars(few)["ready"] = session.ready  # the same networks
        restored(photo, folder / "warm", few)
        seconds = restored(photo, folder / "out", session)
    whole, networks = seconds["whole"], sum(seconds[stage] for stage in NETWORKS)
    for stage, taken in seconds.items():
        print(f"{stage:>10} {taken:8.3f} s {taken / whole:7.2%}")
    share = 1 - networks / whole
    print(f"beside estimator and prior: {whole - networks:.3f} s, {share:.2%}, limit {LIMIT:.0%}")
    return int(share > LIMIT)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--size", default="6000x4000")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--format", default="jpg")
    parser.add_argument("--official", action="store_true")
    return parser.parse_args()


def starter(steps: int | None) -> Session:
    """The starter on the CPU with its own settings, its networks called once already."""
    known = registry.load(None)
    return _session(known, known.model("starter", "restore"), steps, fast=False)


def official() -> Session:
    """A model of the official sizes with random weights, by --fast."""
    import memory

    with tempfile.TemporaryDirectory() as folder:
        memory.official(Path(folder))
        known = registry.load(Path(folder) / "models.toml")
        session = _session(known, known.model("big", "restore"), None, fast=True)
    return session


def _session(known: Registry, model: Model, steps: int | None, *, fast: bool) -> Session:
    device = torch.device("cpu")
    settings = options.settings(model, None, steps, None, None if fast else "ddim", fast=fast)
    faces = ",".join(map(str, range(FACES)))
    session = Session(
        registry=known,
        model=model,
        device=device,
        dtype=models.resolve_precision("auto", device),
        options=options.Options(settings=settings, faces=faces),
    )
    size = model.image_size
    with torch.inference_mode():
        session.ready.denoise(torch.rand(1, 3, size, size), 1)
        session.ready.estimator(torch.rand(1, 3, size, size))
    return session


def group(path: Path, size: str) -> Path:
    """A photo of this size with ten portraits in two rows, at `path`."""
    width, height = (int(side) for side in size.split("x"))
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(60, 200, (8, 12, 3), dtype=np.uint8))
    canvas = coarse.resize((width, height), Image.Resampling.BICUBIC)
    side = min(width // 5, height // 2) * 4 // 5
    portrait = Image.open(PORTRAIT).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    for k in range(FACES):
        canvas.paste(portrait, (width * (k % 5) // 5 + k, height * (k // 5) // 2 + k))
    canvas.save(path, quality=95)
    return path


def restored(photo: Path, out: Path, session: Session) -> dict[str, float]:
    """Seconds by stage of one photo from file to file, "whole" the first of them."""
    jobs = outputs.plan([str(photo)], out)
    out.mkdir()
    start = time.perf_counter()
    work.alone(session, jobs[0])
    whole = time.perf_counter() - start
    record = json.loads(jobs[0].files[-1].read_text(encoding="utf-8"))
    drawn = sum(face["restored"] for face in record["faces"])
    if drawn != FACES:
        raise SystemExit(f"{drawn} faces were restored, not {FACES}")
    stages = {k: taken for k, taken in record["seconds"].items() if k != "total"}
    return {"whole": whole, **stages, "read, write": whole - sum(stages.values())}


if __name__ == "__main__":
    raise SystemExit(main())
