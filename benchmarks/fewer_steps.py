"""Whether fewer calls of the prior give the same faces: samplers, steps and eta side by side.

    python benchmarks/fewer_steps.py PORTRAITS/test ddim:100:0.5:0 ddim:100:0.5:1 dpm++:10:0.5:0

A run is SAMPLER:STEPS:ETA:SEED. The first is what the others are held against; all runs of the
same sampler, steps and eta as the first, with other seeds, say how much a seed alone changes.
Portraits are degraded as in `starter.py`. Of each face: PSNR and SSIM to the truth, sharpness
(high-frequency energy), and the distance from the truth of the detector's deepest features; of
all together the Frechet distance of those features. Seconds a face are the fastest of all. With
--keep FOLDER every face is kept there and not made again.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from starter import features, frechet, portraits
from torch import Tensor

from difface_cli import degradations, models
from difface_cli.base.machine import processor
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.metrics import fidelity, sharpness
from difface_cli.models import Ready
from difface_cli.trust import auto_n
from difface_cli.weights import registry

Floats = npt.NDArray[np.float64]
LEVELS = 255
MEASURES = ("PSNR", "SSIM", "sharpness", "feature distance")


@dataclass(frozen=True)
class Run:
    """One way to the faces, and the user's seed."""

    sampler: str
    steps: int
    eta: float
    seed: int

    @classmethod
    def parse(cls, text: str) -> Run:
        """A run of SAMPLER:STEPS:ETA:SEED."""
        sampler, steps, eta, seed = text.split(":")
        return cls(sampler, int(steps), float(eta), int(seed))

    def __str__(self) -> str:
        return f"{self.sampler} {self.steps} steps, eta {self.eta:g}"


@dataclass(frozen=True)
class Measured:
    """Of one run: measures of each face, MEASURES×n, and the features, n×c."""

    faces: Floats
    features: Floats
    seconds: float


def measure(ready: Ready, results: Tensor, truths: Tensor, seconds: float) -> Measured:
    """Hold results against truths, both n×3×s×s in [0, 1]."""
    ours, theirs = features(ready, results), features(ready, truths)
    ones = np.ones(results.shape[2:], np.float32)
    rows = []
    for result, truth in zip(results, truths, strict=True):
        a, b = result.permute(1, 2, 0).numpy(), truth.permute(1, 2, 0).numpy()
        fine = sharpness.sharpness(a, ones)
        rows.append((fidelity.psnr(a, b, ones), fidelity.ssim(a, b, ones), fine))
    apart = np.linalg.norm(ours - theirs, axis=1)
    return Measured(np.concatenate([np.array(rows).T, apart[None]]), ours, seconds)


def restored(ready: Ready, f_y: Tensor, run: Run, n: int) -> tuple[Tensor, float]:
    """One face, 3×s×s, and its seconds."""
    settings = Settings(n=n, steps=min(run.steps, n), eta=run.eta, sampler=run.sampler)
    start = time.perf_counter()
    face = difface.contract(f_y[None], ready.denoise, ready.schedule, settings, [run.seed])[0]
    return face, time.perf_counter() - start


def start(ready: Ready, y: Tensor, f_y: Tensor) -> int:
    """The N that `--n auto` picks for a face, from it and its estimate, 3×s×s."""
    face, estimate = (a.permute(1, 2, 0).float().numpy() for a in (y, f_y))
    return auto_n.start(face, estimate, ready.model.n).n


def make(
    ready: Ready, estimates: Tensor, truths: Tensor, run: Run, ns: list[int], folder: Path | None
) -> Measured:
    """Run the prior on every estimate, one at a time, and measure; faces in `folder` are done."""
    faces, seconds = [], []
    for i, (f_y, n) in enumerate(zip(estimates, ns, strict=True)):
        path = folder / f"{i:03d}.npz" if folder else None
        if path and path.exists():
            with np.load(path) as f:
                faces.append(torch.from_numpy(f["face"]).float() / LEVELS)
                seconds.append(float(f["seconds"]))
            continue
        face, took = restored(ready, f_y, run, n)
        levels = (face * LEVELS).round()
        faces.append(levels / LEVELS)
        seconds.append(took)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, face=levels.byte().numpy(), seconds=took)
    return measure(ready, torch.stack(faces), truths, min(seconds))


def report(runs: dict[Run, Measured], truth: Measured) -> None:
    """Means, and differences from the first run in the spread that a seed alone makes.

    The spread of a face is the standard deviation of its difference between two seeds of the
    first run; that of the mean over all faces is smaller by the root of their number.
    """
    first, *others = runs.items()
    seeds = [m.faces - first[1].faces for r, m in others if str(r) == str(first[0])]
    spread = np.sqrt(np.mean([gap**2 for gap in seeds], axis=(0, 2))) if seeds else None
    count = first[1].faces.shape[1]
    print(f"| run | seed | {' | '.join(MEASURES)} | Frechet | s a face |")
    print("| --- " * (len(MEASURES) + 4) + "|")
    for run, m in runs.items():
        cells = []
        for i, mean in enumerate(m.faces.mean(1)):
            gap = mean - first[1].faces[i].mean()
            known = spread is not None and run != first[0]
            # In spreads of one face, then in those of the mean.
            alone = gap / spread[i] if known and spread is not None else math.nan
            cells.append(f"{mean:.3f}" + f" ({alone:+.2f}, {alone * count**0.5:+.1f})" * known)
        distance = 1e3 * frechet(m.features, truth.features)
        line = " | ".join([str(run), str(run.seed), *cells, f"{distance:.1f}", f"{m.seconds:.2f}"])
        print(f"| {line} |", flush=True)


def main() -> None:
    """Make the runs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("runs", nargs="+", type=Run.parse, metavar="SAMPLER:STEPS:ETA:SEED")
    parser.add_argument("--n", type=int, help="the starting timestep; each face's own if left out")
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    a = parser.parse_args()

    known = registry.load()
    model = known.model(a.model, "restore")
    device = torch.device("cpu")
    dtype = models.resolve_precision("auto", device)
    ready = models.load(known, model, device, dtype)
    with torch.inference_mode():
        truths = portraits(a.portraits, model.image_size, a.count)
        rng = np.random.default_rng(0)
        y = torch.stack([degradations.celeba_test(rng)(truth) for truth in truths])
        estimates = torch.cat([difface.estimate(face[None], ready.estimator) for face in y])
        ns = [a.n or start(ready, *pair) for pair in zip(y, estimates, strict=True)]
        chosen, made = a.n or "auto", {}
        for run in a.runs:
            name = f"{run.sampler}-{run.steps}-{run.eta:g}-{run.seed}-N{chosen}"
            folder = a.keep / name if a.keep else None
            made[run] = make(ready, estimates, truths, run, ns, folder)
        threads = torch.get_num_threads()
        used = f"{dtype}, {threads} threads, {processor()}"
        print(f"{len(y)} portraits, {model.name}, N = {chosen}, {used}")
        report(made, measure(ready, truths, truths, 0.0))


if __name__ == "__main__":
    main()
