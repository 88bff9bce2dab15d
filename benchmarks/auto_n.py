"""How fidelity and realism go over N for faces degraded lightly to heavily: what `--n auto` is.

    python benchmarks/auto_n.py sweep PORTRAITS/train --count 120 --to train.npz
    python benchmarks/auto_n.py sweep PORTRAITS/test --to test.npz
    python benchmarks/auto_n.py report train.npz test.npz --plot docs/images/n-auto.png

PORTRAITS/… hold sharp pictures aligned to the FFHQ template. Each is degraded by equation 17 with
a severity u of its own, evenly spread over 0 to 1: scale 40^u, blur 16^u/4 to 16^u, noise up to
2 + 18 u, JPEG quality 30 to 95. `sweep` restores each with every N, and keeps the PSNR to the
truth and the features that realism is measured in (`starter.py`), so that any rule that picks an
N for each face can be judged at once. `report` tries rules on the faces of its first file, and
holds the rule of `auto_n.py` against every fixed N on those of its second.

The score of a rule is the mean of its fidelity (mean PSNR) and its realism (Frechet distance to
the truths, less is better), each as a share of the way from the worst fixed N to the best.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from starter import features, frechet, portraits

from difface_cli import models
from difface_cli.degradations import Degradation
from difface_cli.faces import paste
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.trust import auto_n, severity
from difface_cli.weights import registry

Floats = npt.NDArray[np.float64]
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples lie evenly, however many are taken
TRUTH, FIRST = 2, 3  # of what is kept of each face: as found, estimate, truth, and every N
BANDS = {"mild": (0, 1 / 3), "medium": (1 / 3, 2 / 3), "heavy": (2 / 3, 1)}


def mixed(u: float, rng: np.random.Generator) -> Degradation:
    """A draw of equation 17 of severity u, 0 (hardly any) to 1 (the worst of appendix A)."""
    sigma_x, sigma_y = 16**u * rng.uniform(0.25, 1, 2)
    return Degradation(
        sigma_x=float(sigma_x),
        sigma_y=float(sigma_y),
        angle=float(rng.uniform(-math.pi, math.pi)),
        scale=float(40**u),
        noise=float(rng.uniform(0, 2 + 18 * u)),
        quality=int(rng.integers(30, 96)),
        seed=int(rng.integers(2**31)),
    )


def sweep(folder: Path, first: int, count: int, ns: list[int], steps: int, to: Path) -> None:
    """Restore portraits with every N and write what was measured, every ten of them."""
    known = registry.load()
    model = known.model("starter", "restore")
    device = torch.device("cpu")
    ready = models.load(known, model, device, models.resolve_precision("auto", device))
    truths = portraits(folder, model.image_size, first + count)[first:]
    rows = []
    for index, truth in enumerate(truths):
        rows.append(measured(ready, truth, first + index, ns, steps))
        if index % 10 == 9 or index == len(truths) - 1:
            kept: dict[str, Any] = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
            with to.open("wb") as file:
                np.savez(file, ns=np.array(ns), **kept)
            print(index + 1, "of", len(truths), flush=True)


@torch.inference_mode()
def measured(
    ready: Ready, truth: torch.Tensor, number: int, ns: list[int], steps: int
) -> dict[str, Any]:
    """One portrait, degraded and restored with every N."""
    u = (0.5 + number * GOLDEN) % 1
    y = mixed(u, np.random.default_rng([7, number]))(truth)
    f_y = difface.estimate(y[None], ready.estimator)[0]
    faces = [y, f_y, truth]
    for n in ns:
        settings = replace(Settings(), n=n, steps=min(steps, n))
        seeds = [number]
        drawn = difface.contract(f_y[None], ready.denoise, ready.schedule, settings, seeds)
        faces.append(drawn[0])
    batch = torch.stack(faces)
    error = ((batch - truth) ** 2).mean((1, 2, 3))
    return {
        "u": np.array(u),
        "psnr": -10 * error.clamp_min(1e-9).log10().numpy(),
        "features": features(ready, batch),
        "faces": (batch[:2] * 255).round().byte().permute(0, 2, 3, 1).numpy(),
    }


@dataclass(frozen=True)
class Swept:
    """A file of `sweep`: ns, and per face u, PSNR, features, and the pictures found, estimated."""

    ns: npt.NDArray[np.int64]
    u: Floats
    psnr: Floats
    features: Floats
    faces: npt.NDArray[np.uint8]

    @classmethod
    def read(cls, path: Path) -> Swept:
        """Read a file."""
        with np.load(path) as kept:
            return cls(*(kept[key] for key in ("ns", "u", "psnr", "features", "faces")))

    @cached_property
    def width(self) -> Floats:
        """What the rule sees of each face."""
        weight = paste.face_mask(self.faces.shape[2])
        pairs = self.faces[:, :2].astype(np.float32) / 255
        return np.array([severity.fit(y, f_y, weight).width for y, f_y in pairs])

    def judge(self, n: Floats, where: Any = slice(None)) -> tuple[float, float]:
        """Mean PSNR and Frechet distance where each face has its n, of those swept the nearest."""
        column = FIRST + np.abs(n[:, None] - self.ns[None]).argmin(1)
        faces = np.arange(len(n))
        drawn, truth = self.features[faces, column], self.features[:, TRUTH]
        psnr = float(self.psnr[faces, column][where].mean())
        return psnr, 1e3 * frechet(drawn[where], truth[where])

    def fixed(self) -> list[tuple[float, float]]:
        """The same for every N alone."""
        return [self.judge(np.full(len(self.u), float(n))) for n in self.ns]


def scores(judged: list[tuple[float, float]], fixed: list[tuple[float, float]]) -> list[float]:
    """The mean of fidelity and realism, each 0 for the worst fixed N and 1 for the best."""
    (low, best), (high, worst) = (tuple(f(c) for c in zip(*fixed, strict=True)) for f in (min, max))
    return [((p - low) / (high - low) + (worst - d) / (worst - best)) / 2 for p, d in judged]


def rule(width: Floats, mild: float, heavy: float, least: float, most: float) -> Floats:
    """The form of `auto_n.n_of`, with other numbers."""
    return np.interp(width, (mild, heavy), (least, most))


def tried(swept: Swept) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Scores of many rules."""
    fixed = swept.fixed()
    for numbers in itertools.product((0, 1, 2, 3, 4), (8, 9, 10, 11, 12, 14), (50, 60, 120),
                                     (260, 350, 450, 500)):  # fmt: skip
        yield scores([swept.judge(rule(swept.width, *numbers))], fixed)[0], numbers


def report(train: Path, test: Path, plot: Path | None) -> None:
    """Print how rules do on the first file, and the rule of the tool on the second."""
    first, second = Swept.read(train), Swept.read(test)
    ours = (auto_n.MILD, auto_n.HEAVY, auto_n.LEAST, auto_n.MOST)
    best = sorted(tried(first), reverse=True)
    print(f"{len(first.u)} faces to choose a rule by; best of {len(best)} rules:")
    for score, numbers in best[:5]:
        print(
            f"  mild {numbers[0]}, heavy {numbers[1]}, N {numbers[2]} to {numbers[3]}: {score:.3f}"
        )
    print(
        f"  taken, {ours}: {scores([first.judge(rule(first.width, *ours))], first.fixed())[0]:.3f}"
    )
    fixed = second.fixed()
    auto = second.judge(rule(second.width, *ours))
    print(f"\n{len(second.u)} faces it was not chosen by:\n\n| N | PSNR | Frechet | score |")
    print("| --- | --- | --- | --- |")
    rows = [*zip(map(str, second.ns), fixed, strict=True), ("auto", auto)]
    for (name, (psnr, distance)), score in zip(rows, scores([*fixed, auto], fixed), strict=True):
        print(f"| {name} | {psnr:.2f} | {distance:.1f} | {score:.2f} |")
    if plot:
        draw(second, auto, plot)


def draw(swept: Swept, auto: tuple[float, float], path: Path) -> None:
    """The curve of every band of severity, all faces with auto, and the rule."""
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    distance = 1e3 * ((swept.features - swept.features[:, [TRUTH]]) ** 2).sum(2)
    for name, (low, high) in BANDS.items():
        band = (swept.u >= low) & (swept.u < high)
        psnr, far = swept.psnr[band, FIRST:].mean(0), distance[band, FIRST:].mean(0)
        (line,) = left.plot(psnr, far, "o-", label=name)
        for n, x, y in zip(swept.ns, psnr, far, strict=True):
            left.annotate(str(n), (x, y), (4, 4), textcoords="offset points", fontsize=7)
        column = FIRST + np.abs(rule(swept.width, auto_n.MILD, auto_n.HEAVY, auto_n.LEAST,
                                     auto_n.MOST)[:, None] - swept.ns).argmin(1)  # fmt: skip
        chosen = np.arange(len(column))[band], column[band]
        left.plot(
            swept.psnr[chosen].mean(), distance[chosen].mean(), "*", ms=14, c=line.get_color()
        )
    left.set(xlabel="PSNR to the truth, dB", yscale="log",
             ylabel="distance of features to the truth's")  # fmt: skip
    left.set_title("every N, by severity; star: --n auto")
    left.legend()
    at = np.linspace(0, max(swept.width), 200)
    best = swept.ns[distance[:, FIRST:].argmin(1)]
    right.scatter(swept.width, best + np.random.default_rng(0).uniform(-8, 8, len(best)), s=12,
                  label="N with the nearest features, a face")  # fmt: skip
    right.plot(at, [auto_n.n_of(w) for w in at], c="black", label="the rule")
    right.set(xlabel="blur against the estimate, px of 512", ylabel="N")
    right.legend()
    figure.savefig(path, dpi=90)


def main() -> None:
    """Sweep, or report on two sweeps."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sweeping = commands.add_parser("sweep")
    sweeping.add_argument("portraits", type=Path)
    sweeping.add_argument("--first", type=int, default=0)
    sweeping.add_argument("--count", type=int, default=80)
    sweeping.add_argument("--n", default="60,120,190,260,350,450")
    sweeping.add_argument("--steps", type=int, default=12)
    sweeping.add_argument("--to", type=Path, required=True)
    reporting = commands.add_parser("report")
    reporting.add_argument("train", type=Path)
    reporting.add_argument("test", type=Path)
    reporting.add_argument("--plot", type=Path)
    a = parser.parse_args()
    if a.command == "sweep":
        sweep(a.portraits, a.first, a.count, [int(n) for n in a.n.split(",")], a.steps, a.to)
    else:
        report(a.train, a.test, a.plot)


if __name__ == "__main__":
    main()
