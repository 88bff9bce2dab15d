"""What the gate's limits and the rule of `--n auto` follow from, and what both do to people.

    python benchmarks/gate.py PORTRAITS/test PORTRAITS2/test --save gate.json
    python benchmarks/gate.py PORTRAITS/train --held-out --count 200

Each folder holds sharp pictures aligned to the FFHQ template; with --held-out only the people that
the recipes' `holdout` keeps apart are taken, whom the starter did not learn from. Each picture is
degraded by equation 17 at the model's size, by an amount u of its own, evenly spread over 0 to 1:
scale 40^u, blur 0 to 16^u, noise 0 to 20 whatever u, JPEG none or 40 to 95. Of the face as found,
its estimate, and what is drawn from it with every N, PSNR to the truth is measured within the soft
oval, and dlib's recognition distance (see `recognition.py`) of the whole.

The tables are by the severity that is found, where restoring gains, from which the limits are
read; by the amount of noise, how well the blur and scale found follow the true ones; and by
severity again, what the gate and the rule make of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import recognition
import torch
from scipy.stats import spearmanr
from starter import portraits
from torch import Tensor, nn

from difface_cli import degradations, models
from difface_cli.base.tensors import to_picture
from difface_cli.degradations import Degradation
from difface_cli.faces import paste
from difface_cli.method import difface
from difface_cli.metrics.fidelity import psnr
from difface_cli.models import Ready
from difface_cli.tasks.options import settings
from difface_cli.training import balance
from difface_cli.trust import auto_n, gate
from difface_cli.trust.severity import Severity
from difface_cli.weights import registry

Floats = npt.NDArray[np.float64]
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples lie evenly, however many are taken
BANDS = (0, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 99)  # of the severity found, pixels at 512
NOISES = (0, 5, 10, 15, 20.1)
HOLDOUT = 0.05  # of the starter's recipes


@dataclass(frozen=True)
class Measured:
    """One face.

    Attributes:
        true: what it was degraded by.
        found: what the estimate told of it.
        n: what the rule gave it; None where the gate left it alone.
        psnr, distance: by stage: "found", "estimate", each N as text, and "default".
        alike: recognition distances to the face found: of the same stages, of the truth ("truth"),
            and of somebody else's ("stranger").
    """

    true: Severity
    found: Severity
    n: int | None
    psnr: dict[str, float]
    distance: dict[str, float]
    alike: dict[str, float]


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--n", default="10,30,60,100", help="to try on every face")
    parser.add_argument("--count", type=int, default=10**6, help="so many faces of each folder")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--save", type=Path, help="all numbers of all faces, as JSON")
    a = parser.parse_args()
    known = registry.load()
    model = known.model(a.model, "restore")
    device = models.resolve_device("auto")
    ready = models.load(known, model, device, models.resolve_precision("auto", device))
    recognise = recognition.load()
    faces: list[Measured] = []
    for folder in a.folders:
        truths = _pictures(folder, model.image_size, a.count, a.held_out)
        for truth, stranger in zip(truths, truths.roll(7, 0), strict=True):
            ns = [int(n) for n in a.n.split(",")]
            faces.append(measure(ready, recognise, truth, stranger, ns, len(faces)))
    print(gains(faces), following(faces), outcome(faces), sep="\n\n")
    if a.save:
        a.save.write_text(json.dumps([_plain(face) for face in faces]), encoding="utf-8")


def _pictures(folder: Path, size: int, count: int, held_out: bool) -> Tensor:
    every = portraits(folder, size, 10**6)
    if held_out:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
        _, kept = balance.split(paths, HOLDOUT)
        every = every[[paths.index(path) for path in kept]]
    return every[:count]


def drawn(number: int) -> Degradation:
    """The degradation of face `number`."""
    rng = np.random.default_rng(number)
    u = number * GOLDEN % 1
    blur = float(rng.uniform(0, 16**u)) * (rng.random() < 0.7)
    quality = int(rng.integers(40, 96)) if rng.random() < 0.7 else None
    noise = float(rng.uniform(0, 20))
    return Degradation(blur, blur, 0, float(40**u), noise, quality, seed=number)


def measure(
    ready: Ready,
    recognise: nn.Module,
    truth: Tensor,
    stranger: Tensor,
    ns: Sequence[int],
    number: int,
) -> Measured:
    """Degrade a face, restore it every way, and measure what comes out."""
    how = drawn(number)
    y = degradations.batch(truth[None], [how])
    with torch.inference_mode():
        f_y = difface.estimate(y.to(ready.device), ready.estimator)
    start = auto_n.start(to_picture(y[0]), to_picture(f_y[0]), ready.model.n)
    left = gate.estimated(start.severity, ready.model.image_size)
    stages = {"found": y, "estimate": f_y.cpu()}
    stages |= {str(n): contract(ready, f_y, n, number) for n in ns}
    stages["default"] = y if left else contract(ready, f_y, start.n, number)
    mask, sharp = paste.face_mask(y.shape[-1]), to_picture(truth)
    shown = torch.cat([truth[None], *stages.values(), stranger[None]])
    whole = recognition.embed(recognise, shown)
    distances = (whole[1:-1] - whole[0]).norm(dim=1).tolist()
    alike = (whole - whole[1]).norm(dim=1).tolist()
    return Measured(
        true=Severity(how.sigma_x, how.scale, how.noise),
        found=start.severity,
        n=None if left else start.n,
        psnr={name: psnr(to_picture(x[0]), sharp, mask) for name, x in stages.items()},
        distance=dict(zip(stages, distances, strict=True)),
        alike=dict(zip(["truth", *stages, "stranger"], alike, strict=True)),
    )


def contract(ready: Ready, f_y: Tensor, n: int, seed: int) -> Tensor:
    """A face drawn from its estimate by this N, in as many calls as the tool takes."""
    own = auto_n.shortened(settings(ready.model, None, None, None, None), n)
    with torch.inference_mode():
        prior = ready.prior(own.guidance)
        return difface.contract(f_y, prior, ready.schedule, own, [seed]).cpu()


def gains(faces: Sequence[Measured]) -> str:
    """PSNR against the face as found, by the severity found."""
    names = [name for name in faces[0].psnr if name not in ("found", "default")]
    lines = [_row(["severity found", "faces", "found", *names])]
    lines.append(_row(["---"] * (3 + len(names))))
    for band, some in _bands(faces, BANDS, lambda face: face.found.total):
        found = np.mean([face.psnr["found"] for face in some])
        changes = [np.mean([f.psnr[name] - f.psnr["found"] for f in some]) for name in names]
        row = [band, str(len(some)), f"{found:.1f} dB", *(f"{change:+.2f}" for change in changes)]
        lines.append(_row(row))
    return "\n".join(lines)


def following(faces: Sequence[Measured]) -> str:
    """The rank correlation of the width found and the true one, by the noise added."""
    lines = [_row(["noise added", "faces", "rank correlation"]), _row(["---"] * 3)]
    bands = [*_bands(faces, NOISES, lambda face: face.true.noise), ("all", list(faces))]
    for band, some in bands:
        pairs = [(face.found.width, face.true.width) for face in some]
        lines.append(_row([band, str(len(some)), f"{spearmanr(pairs).statistic:.3f}"]))
    return "\n".join(lines)


def outcome(faces: Sequence[Measured]) -> str:
    """What the gate and the rule do, by the severity found."""
    head = ["severity found", "faces", "left alone", "mean N", "PSNR", "worst", "against estimate"]
    lines = [_row([*head, "recognition: found", "default"]), _row(["---"] * (2 + len(head)))]
    for band, some in [*_bands(faces, BANDS, lambda face: face.found.total), ("all", list(faces))]:
        change = [face.psnr["default"] - face.psnr["found"] for face in some]
        against = [f.psnr["default"] - f.psnr["estimate"] for f in some if f.n is not None]
        ns = [face.n for face in some if face.n is not None]
        lines.append(_row([
            band,
            str(len(some)),
            str(len(some) - len(ns)),
            f"{np.mean(ns):.0f}" if ns else "",
            f"{np.mean(change):+.2f}",
            f"{min(change):+.2f}",
            f"{np.mean(against):+.2f}" if against else "",
            f"{np.mean([face.distance['found'] for face in some]):.3f}",
            f"{np.mean([face.distance['default'] for face in some]):.3f}",
        ]))  # fmt: skip
    return "\n".join(lines)


def _bands(
    faces: Sequence[Measured], ends: Sequence[float], of: Callable[[Measured], float]
) -> list[tuple[str, list[Measured]]]:
    found = []
    for low, high in itertools.pairwise(ends):
        some = [face for face in faces if low <= of(face) < high]
        if some:
            found.append((f"{low:g} to {high:g}" if high < 99 else f"{low:g} and more", some))
    return found


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(face: Measured) -> dict[str, Any]:
    severities = {"true": vars(face.true), "found": vars(face.found)}
    return severities | {
        "n": face.n,
        "psnr": face.psnr,
        "distance": face.distance,
        "alike": face.alike,
    }


if __name__ == "__main__":
    main()
