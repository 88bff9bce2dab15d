"""The paper's tables and figure 6, made anew with the starter model: docs/results.md.

    python benchmarks/tables.py make PORTRAITS/test WORK               # restores
    python benchmarks/tables.py make PORTRAITS/test WORK --part eta --count 40 --minutes 15
    python benchmarks/tables.py write WORK docs/results.md             # measures, writes the page

PORTRAITS/test holds sharp pictures aligned to the FFHQ template, of people the model never saw.
`make` takes portrait after portrait through all tables and writes every result as a PNG; it passes
over those that are there and may be stopped at any time. `write` takes the portraits that are
complete. What is measured is `difface evaluate`'s.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from difface_cli import degradations, images, models
from difface_cli.base import atomic
from difface_cli.degradations import Degradation, Recipe, masks
from difface_cli.degradations import sets as degrading
from difface_cli.degradations.sets import Plan, manifest
from difface_cli.degradations.sets.manifest import Entry
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.difface import Refinement, Settings
from difface_cli.method.guidance import Mask, refine
from difface_cli.models import Ready
from difface_cli.weights import registry

CPU = torch.device("cpu")
SIZE = 256
N, STEPS, ETA = 260, 25, 0.5  # where a table does not vary them
FEW = 15  # calls of the prior for the curves of figure 6
ESTIMATORS = {"swinir": "", "srcnn": "starter-srcnn"}
ETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
CALLS = (40, 20, 8)  # table VIII: of the prior, from N to 0
STARTS = (100, 200, 260, 320, 400, 500, 590)
SCALES = (4, 12, 20, 28, 40)
HOLES = Settings(n=480, steps=40, eta=1.0)


@cache
def ready(name: str, task: str = "restore", estimator: str = "") -> Ready:
    """A model's networks on the CPU, with another estimator where one is named."""
    known = registry.load()
    model = known.model(name, task)
    if estimator:
        model = models.with_part(known, model, "estimator", task, estimator)
    dtype = models.resolve_precision("auto", CPU)
    return models.load(known, model, CPU, dtype, detector=False)


def read(path: Path) -> Tensor:
    """1×c×h×w in [0, 1]."""
    pixels = torch.from_numpy(np.array(images.read(path).pixels))
    return pixels.permute(2, 0, 1)[None].float() / 255


def write(face: Tensor, path: Path) -> None:
    """1×3×h×w in [0, 1] as a PNG of 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (face[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    images.write(Photo(pixels), path)


def estimate(source: Path, target: Path, estimator: str = "") -> None:
    """f(y) of a degraded picture, unless it is there."""
    if not target.exists():
        write(
            difface.estimate(read(source), ready("starter", estimator=estimator).estimator), target
        )


def chain(source: Path, target: Path, n: int = N, steps: int = STEPS, eta: float = ETA) -> None:
    """The chain from an estimate, with noise that follows from the estimate, unless it is there."""
    if target.exists():
        return
    prior, f_y = ready("starter"), read(source)
    settings = Settings(n=n, steps=min(steps, n), eta=eta)
    seed = difface.noise_seed(0, source.name, 0)
    write(difface.contract(f_y, prior.denoise, prior.schedule, settings, [seed]), target)


def degraded(source: Path, folder: Path, name: str, plan: Plan) -> None:
    """Degrade a picture as `difface degrade` does, with its line of the manifest beside it."""
    line = folder / "lines" / f"{name}.jsonl"
    if line.exists():
        return
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    treatment = degrading.treatment(plan, name, digest)
    outputs = {"picture": name}
    if treatment.mask:
        outputs = {kind: f"{kind}/{name}" for kind in ("picture", "mask", "holed")}
    for kind, photo in degrading.apply(images.read(source), treatment).items():
        target = folder / outputs[kind]
        target.parent.mkdir(parents=True, exist_ok=True)
        images.write(photo, target)
    line.parent.mkdir(exist_ok=True)
    atomic.write(line, manifest.dump([Entry(name, digest, treatment, outputs)]))


def base(work: Path, name: str) -> None:
    """Table I: a portrait degraded by the test grid, its estimates, and the chain from each."""
    degraded(work / "truth" / name, work / "degraded", name, Plan())
    for label, estimator in ESTIMATORS.items():
        estimate(work / "degraded" / name, work / label / name, estimator)
        chain(work / label / name, work / f"difface-{label}" / name)


def eta(work: Path, name: str) -> None:
    """Table II."""
    for value in ETAS:
        chain(work / "swinir" / name, work / f"eta-{value:g}" / name, eta=value)


def steps(work: Path, name: str) -> None:
    """Table VIII."""
    for calls in CALLS:
        chain(work / "swinir" / name, work / f"steps-{calls}" / name, steps=calls)


def starts(work: Path, name: str) -> None:
    """Figure 6(a)."""
    for n in STARTS:
        chain(work / "swinir" / name, work / f"n-{n}" / name, n=n, steps=FEW)


def scales(work: Path, name: str) -> None:
    """Figure 6(b): the portrait at each scale factor, all else about its degradation kept."""
    digest = hashlib.sha256(name.encode()).digest()
    drawn = degradations.celeba_test(np.random.default_rng(int.from_bytes(digest[:4])))
    for scale in SCALES:
        own = f"{Path(name).stem}_x{scale:02d}.png"
        truth = work / "scale-truth" / own
        truth.parent.mkdir(exist_ok=True)
        if not truth.exists():
            truth.hardlink_to(work / "truth" / name)
        plan = Plan(recipe="custom", draw=always(replace(drawn, scale=float(scale))))
        degraded(truth, work / "scale-degraded", own, plan)
        estimate(work / "scale-degraded" / own, work / "scale-swinir" / own)
        chain(work / "scale-swinir" / own, work / "scale-difface" / own, steps=FEW)


def always(drawn: Degradation) -> Recipe:
    """The recipe that draws nothing else."""
    return lambda rng: drawn


def holes(work: Path, name: str) -> None:
    """Table V: LaMa alone, and the chain held to what is known; two kinds of holes a portrait."""
    own = ready("starter-inpaint", "inpaint")
    turn = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2
    for kind in masks.PAPER_TYPES[turn::2]:
        folder = work / f"holes-{kind}"
        if (folder / "difface" / name).exists():
            continue
        degraded(work / "truth" / name, folder, name, Plan(recipe="none", mask=kind))
        y, mask = read(folder / "picture" / name), read(folder / "mask" / name)[:, :1].round()
        estimate = difface.estimate(torch.cat([y * (1 - mask), mask], dim=1), own.estimator)
        held = refine(own.denoise, Mask(2 * y - 1, mask), Refinement().gamma)
        seed = difface.noise_seed(0, name, 0)
        drawn = difface.contract(estimate, held, own.schedule, HOLES, [seed])
        write(torch.where(mask > 0, estimate, y), folder / "lama" / name)
        write(torch.where(mask > 0, drawn, y), folder / "difface" / name)


PARTS: Mapping[str, Callable[[Path, str], None]] = {
    "estimators": base,
    "eta": eta,
    "steps": steps,
    "n": starts,
    "scale": scales,
    "holes": holes,
}


def portraits(folder: Path, work: Path, count: int) -> list[str]:
    """The portraits at the model's size in WORK/truth: their names."""
    (work / "truth").mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted([*folder.glob("*.jpg"), *folder.glob("*.png")])[:count]:
        target = work / "truth" / f"{path.stem}.png"
        names.append(target.name)
        if not target.exists():
            with Image.open(path) as f:
                small = f.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
            images.write(Photo(np.array(small)), target)
    return names


def make(names: list[str], work: Path, parts: list[str], minutes: float) -> None:
    """Portrait after portrait, until the time is over; the one in hand is finished."""
    end = time.monotonic() + 60 * minutes
    with torch.inference_mode():
        for done, name in enumerate(names):
            if time.monotonic() > end:
                print(f"stopped after {done} of {len(names)} portraits")
                return
            for part in dict.fromkeys(("estimators", *parts)):
                PARTS[part](work, name)
            print(f"{done + 1} of {len(names)}: {name}", flush=True)


def main() -> None:
    """Make pictures, or the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("portraits", type=Path)
    making.add_argument("work", type=Path)
    making.add_argument("--part", choices=PARTS, action="append")
    making.add_argument("--count", type=int, default=80)
    making.add_argument("--minutes", type=float, default=float("inf"))
    writing = commands.add_parser("write")
    writing.add_argument("work", type=Path)
    writing.add_argument("page", type=Path)
    a = parser.parse_args()
    if a.command == "make":
        make(portraits(a.portraits, a.work, a.count), a.work, a.part or [*PARTS], a.minutes)
        return
    import tables_page

    tables_page.write(a.work, a.page)


if __name__ == "__main__":
    main()
