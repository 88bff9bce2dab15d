"""The paper's tables and figure 6, made anew with the starter model: docs/results.md.

    python benchmarks/tables.py make PORTRAITS/test WORK            # restores, part by part
    python benchmarks/tables.py make PORTRAITS/test WORK --part eta --count 40
    python benchmarks/tables.py write WORK docs/results.md          # measures, writes the page

PORTRAITS/test holds sharp pictures aligned to the FFHQ template, of people the model never saw.
`make` writes every result as a PNG, passes over those that are there, and can be stopped at any
time; `write` takes the parts that are complete. What is measured is `difface evaluate`'s.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from difface_cli import atomic, degradations, degrading, difface, images, masks, models, registry
from difface_cli.degradations import Degradation
from difface_cli.degrading import Plan, manifest
from difface_cli.degrading.manifest import Entry
from difface_cli.difface import Refinement, Settings
from difface_cli.images import Photo
from difface_cli.models import Ready

CPU = torch.device("cpu")
STEPS = 25  # where a table does not vary them; 50 and 100 measure the same
ETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
CALLS = (200, 100, 40, 20, 8)  # table VIII: of the prior, from N to 0
STARTS = (50, 100, 150, 200, 260, 320, 400, 500, 590)
SCALES = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40)
SRCNN = "starter-srcnn"
SIZE = 256


@dataclass(frozen=True)
class Work:
    """Where all pictures lie, and how many portraits are taken."""

    folder: Path
    count: int

    @property
    def names(self) -> list[str]:
        """The portraits, by the names of their PNGs."""
        return sorted(path.name for path in (self.folder / "truth").glob("*.png"))[: self.count]


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


def fill(sources: Path, target: Path, names: list[str], do: Callable[[Tensor], Tensor]) -> None:
    """`do` with every picture that has no result yet."""
    for name in names:
        if not (target / name).exists():
            write(do(read(sources / name)), target / name)
    print(f"{target}: {len(names)}", flush=True)


def contract(settings: Settings, f_y: Tensor) -> Tensor:
    """The chain from an estimate, with noise that follows from the estimate."""
    prior = ready("starter")
    seeds = [difface.face_seed(0, f_y[0])]
    return difface.contract(f_y, prior.denoise, prior.schedule, settings, seeds)


def settings_of(n: int = 260, steps: int = STEPS, eta: float = 0.5) -> Settings:
    """The starter's own N and the paper's eta, unless a table varies them."""
    return Settings(n=n, steps=min(steps, n), eta=eta)


def truths(work: Work, portraits: Path) -> None:
    """The portraits at the model's size, and as the test grid of appendix A leaves them."""
    for path in sorted([*portraits.glob("*.jpg"), *portraits.glob("*.png")]):
        target = work.folder / "truth" / f"{path.stem}.png"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as f:
                small = f.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
            images.write(Photo(np.array(small)), target)
    everyone = replace(work, count=sys.maxsize).names
    plan = Plan()
    degraded(work.folder / "truth", work.folder / "degraded", everyone, lambda name: plan)


def degraded(sources: Path, target: Path, names: list[str], plan: Callable[[str], Plan]) -> None:
    """Degrade pictures as `difface degrade` does, each by its own plan, with a manifest."""
    entries = []
    for name in names:
        digest = hashlib.sha256((sources / name).read_bytes()).hexdigest()
        treatment = degrading.treatment(plan(name), name, digest)
        outputs = {"picture": name}
        if treatment.mask:
            outputs = {kind: f"{kind}/{name}" for kind in ("picture", "mask", "holed")}
        entries.append(Entry(name, digest, treatment, outputs))
        if all((target / output).exists() for output in outputs.values()):
            continue
        for kind, photo in degrading.apply(images.read(sources / name), treatment).items():
            (target / outputs[kind]).parent.mkdir(parents=True, exist_ok=True)
            images.write(photo, target / outputs[kind])
    atomic.write(target / manifest.NAME, manifest.dump(entries))


def estimators(work: Work, names: tuple[str, ...] = ("", SRCNN)) -> None:
    """Table I: each estimator by itself, and the chain from it."""
    known = registry.load().weights
    for name in names:
        if name and name not in known:
            print(f"{name} is not in models.toml: left out")
            continue
        label = "srcnn" if name else "swinir"
        estimator = ready("starter", estimator=name).estimator
        table = work.folder / "estimators"
        estimate = partial(difface.estimate, estimator=estimator)
        fill(work.folder / "degraded", table / label, work.names, estimate)
        fill(
            table / label, table / f"difface-{label}", work.names, partial(contract, settings_of())
        )


def eta(work: Work) -> None:
    """Table II."""
    for value in ETAS:
        chain(work, f"eta/{value:g}", settings_of(eta=value))


def steps(work: Work) -> None:
    """Table VIII."""
    for calls in CALLS:
        chain(work, f"steps/{calls}", settings_of(steps=calls))


def starts(work: Work) -> None:
    """Figure 6(a): over N."""
    for n in STARTS:
        chain(work, f"n/{n}", settings_of(n=n))


def chain(work: Work, place: str, settings: Settings) -> None:
    """The chain with these settings from SwinIR's estimates."""
    estimates = work.folder / "estimators" / "swinir"
    fill(estimates, work.folder / place, work.names, partial(contract, settings))


def scales(work: Work) -> None:
    """Figure 6(b): every portrait at each scale factor, all else about its degradation kept."""
    folder = work.folder / "scale"
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    settings: dict[str, Plan] = {}
    for seed, name in enumerate(work.names):
        drawn = degradations.celeba_test(np.random.default_rng(seed))
        for scale in SCALES:
            own = f"{Path(name).stem}_x{scale:02d}.png"
            if not (folder / "truth" / own).exists():
                (folder / "truth" / own).hardlink_to(work.folder / "truth" / name)
            settings[own] = Plan(recipe="custom", draw=constant(replace(drawn, scale=scale)))
    names = list(settings)
    degraded(folder / "truth", folder / "degraded", names, settings.__getitem__)
    estimate = partial(difface.estimate, estimator=ready("starter").estimator)
    fill(folder / "degraded", folder / "swinir", names, estimate)
    fill(folder / "swinir", folder / "difface", names, partial(contract, settings_of()))


def constant(drawn: Degradation) -> Callable[[np.random.Generator], Degradation]:
    """A recipe that always draws the same."""
    return lambda rng: drawn


def holes(work: Work) -> None:
    """Table V: LaMa alone and the chain held to what is known, for each kind of holes."""
    own = ready("starter-inpaint", "inpaint")
    settings = Settings(n=480, steps=60, eta=1.0)
    for kind in masks.PAPER_TYPES:
        folder = work.folder / "holes" / kind
        plans = dict.fromkeys(work.names, Plan(recipe="none", mask=kind))
        degraded(work.folder / "truth", folder, work.names, plans.__getitem__)
        for name in work.names:
            if (folder / "difface" / name).exists():
                continue
            y, mask = read(folder / "picture" / name), read(folder / "mask" / name)[:, :1].round()
            seeds = [difface.face_seed(0, (y * (1 - mask))[0])]
            out = difface.inpaint(
                y, mask, own.estimator, own.denoise, own.schedule, settings, seeds, Refinement()
            )
            write(difface.keep_known(out.estimate, y, mask), folder / "lama" / name)
            write(difface.keep_known(out.face, y, mask), folder / "difface" / name)
        print(f"{folder}: {len(work.names)}", flush=True)


PARTS: Mapping[str, Callable[[Work], None]] = {
    "estimators": estimators,
    "eta": eta,
    "steps": steps,
    "n": starts,
    "scale": scales,
    "holes": holes,
}


def main() -> None:
    """Make parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("portraits", type=Path)
    make.add_argument("work", type=Path)
    make.add_argument("--part", choices=PARTS, action="append")
    make.add_argument("--count", type=int, default=80)
    a = parser.parse_args()
    work = Work(a.work, a.count)
    with torch.inference_mode():
        truths(work, a.portraits)
        for part in a.part or PARTS:
            PARTS[part](work)


if __name__ == "__main__":
    main()
