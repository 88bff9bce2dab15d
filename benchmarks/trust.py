"""How far landmarks move and seeds differ where faces are drawn, as the gate's last limits ask.

    python benchmarks/trust.py draw PORTRAITS/train --set mixed --count 200 --to mixed.npz
    python benchmarks/trust.py draw PORTRAITS/test --set light --to light.npz
    python benchmarks/trust.py draw PORTRAITS/test --set heavy --seeds 4 --to heavy.npz
    python benchmarks/trust.py spread mixed.npz heavy.npz

PORTRAITS/… hold sharp pictures aligned to the FFHQ template. Each is degraded by equation 17 at
the model's size: `light` is blur up to 2, scale 1 to 2, noise up to 5, JPEG 60 to 95; `heavy` the
grid of appendix A at scales 16 to 40; `mixed` anything from scale 1 to 40. Restored with the
starter, 25 steps, from the N that `--n auto` picks or, with --n, from that. Measures are taken
within the soft oval of the face.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from difface_cli import degradations, models
from difface_cli.degradations import Degradation
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.metrics.fidelity import LEVELS
from difface_cli.models import Ready
from difface_cli.trust import auto_n, measures
from difface_cli.weights import registry

Floats = npt.NDArray[np.float32]
STEPS, ETA = 25, 0.5


def main() -> None:
    """Do what the first argument says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("draw")
    add.add_argument("portraits", type=Path)
    add.add_argument("--set", choices=SETS, required=True, dest="name")
    add.add_argument("--first", type=int, default=0)
    add.add_argument("--count", type=int, default=80)
    add.add_argument("--seeds", type=int, default=1)
    add.add_argument("--n", type=int, help="the same for all faces")
    add.add_argument("--to", type=Path, required=True)
    commands.add_parser("spread").add_argument("files", type=Path, nargs="+")
    a = parser.parse_args()
    match a.command:
        case "draw":
            np.savez(a.to, **draw(a.portraits, a.name, a.first, a.count, a.seeds, a.n))
        case "spread":
            spread([*measured(a.files)])


def light(rng: np.random.Generator) -> Degradation:
    """A photo that is nearly as good as it was."""
    sigma = float(rng.uniform(0, 2))
    return Degradation(
        sigma_x=sigma,
        sigma_y=sigma,
        angle=0.0,
        scale=float(rng.uniform(1, 2)),
        noise=float(rng.uniform(0, 5)),
        quality=int(rng.integers(60, 96)),
        seed=int(rng.integers(2**31)),
    )


def mixed(rng: np.random.Generator) -> Degradation:
    """Anything, with as many light as heavy ones."""
    sigma = float(rng.uniform(0, 16) * rng.random())
    return Degradation(
        sigma_x=sigma,
        sigma_y=sigma,
        angle=0.0,
        scale=float(np.exp(rng.uniform(0, np.log(40)))),
        noise=float(rng.uniform(0, 20) * rng.random()),
        quality=int(rng.integers(30, 100)),
        seed=int(rng.integers(2**31)),
    )


def heavy(rng: np.random.Generator) -> Degradation:
    """The grid of appendix A, at its larger scales."""
    drawn = degradations.celeba_test(rng)
    return replace(drawn, scale=float(rng.choice([16, 20, 24, 28, 32, 36, 40])))


SETS = {"light": light, "mixed": mixed, "heavy": heavy}


def starter() -> Ready:
    """The starter, on the CPU."""
    known, device = registry.load(), torch.device("cpu")
    precision = models.resolve_precision("auto", device)
    return models.load(known, known.model("starter", "restore"), device, precision)


def truth(path: Path, size: int) -> torch.Tensor:
    """3×size×size in [0, 1]."""
    with Image.open(path) as file:
        small = file.convert("RGB").resize((size, size), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / LEVELS


@torch.inference_mode()
def restore(
    y: torch.Tensor, ready: Ready, seeds: int, n: int | None = None
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The estimate and the samples of one face, 3×s×s; N is picked unless it is given."""
    estimate = difface.estimate(y[None], ready.estimator)
    if n is None:
        face, guess = (a.permute(1, 2, 0).float().numpy() for a in (y, estimate[0]))
        n = auto_n.start(face, guess, ready.model.n).n
    settings = Settings(n=n, steps=min(STEPS, n), eta=ETA)
    samples = [
        difface.contract(estimate, ready.denoise, ready.schedule, settings, [k])[0]
        for k in range(seeds)
    ]
    return estimate[0], samples


def draw(
    folder: Path, name: str, first: int, count: int, seeds: int, n: int | None
) -> dict[str, Any]:
    """Degrade and restore portraits: what was found, the estimate, the samples, the truth, how."""
    ready, rng = starter(), np.random.default_rng(first + 1)
    kept: dict[str, list[Any]] = {key: [] for key in "yextp"}
    for path in sorted(folder.glob("*.jpg"))[first : first + count]:
        t = truth(path, ready.model.image_size)
        how = SETS[name](rng)
        y = (how(t) * LEVELS).round() / LEVELS
        estimate, samples = restore(y, ready, seeds, n)
        for key, value in zip("yet", (y, estimate, t), strict=True):
            kept[key].append(pixels(value))
        kept["x"].append(np.stack([pixels(sample) for sample in samples]))
        kept["p"].append([how.sigma_x, how.sigma_y, how.scale, how.noise, how.quality])
    return {key: np.array(values) for key, values in kept.items()}


def pixels(face: torch.Tensor) -> npt.NDArray[np.uint8]:
    """s×s×3 in 8 bits."""
    return (face.clamp(0, 1) * LEVELS).round().byte().permute(1, 2, 0).numpy()


@dataclass(frozen=True)
class Face:
    """One face: as found, drawn and in truth, s×s×3 in [0, 1], and what was measured of it."""

    y: Floats
    samples: list[Floats]
    t: Floats
    trust: measures.Trust


def measured(files: list[Path]) -> Iterator[Face]:
    """The faces of files that `draw` made."""
    detector = starter().detector
    for file in files:
        kept = np.load(file)
        for y, x, t in zip(kept["y"], kept["x"], kept["t"], strict=True):
            face, *samples, sharp = (a.astype(np.float32) / LEVELS for a in (y, *x, t))
            landmarks = (FFHQ_TEMPLATE_512 + 0.5) * face.shape[0] / 512 - 0.5
            measured = measures.measure(face, samples, landmarks, detector)
            yield Face(face, samples, sharp, measured)


def spread(faces: list[Face]) -> None:
    """The shifts and variations that occur."""
    for name, values in (
        ("shift", [f.trust.shift for f in faces]),
        ("variation", [f.trust.variation for f in faces]),
    ):
        known = [v for v in values if v is not None and np.isfinite(v)]
        if lost := values.count(np.inf):
            print(f"no face found in what was drawn: {lost}")
        if known:
            half, most, all_but = np.percentile(known, [50, 99, 100])
            print(f"{name}: median {half:.3g}, 99 % below {most:.3g}, largest {all_but:.3g}")


if __name__ == "__main__":
    main()
