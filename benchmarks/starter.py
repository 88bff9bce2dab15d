"""What the starter model does to test portraits, over N: fidelity and realism, in one table.

    python benchmarks/starter.py PORTRAITS/test --n 100,150,200,260,320,400

PORTRAITS/test holds sharp pictures aligned to the FFHQ template, of people the model never saw.
Each is degraded by the paper's test grid (appendix A) with a fixed seed, at the model's size.
PSNR and SSIM are to the truth; the landmark shift is our detector's, before and after, in per
cent of the distance of the eyes; found counts the faces it still finds; Frechet is the distance
of Gaussians fitted to the detector's deepest features, in their 32 main directions: small when
the set of results looks like the set of truths.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

from difface_cli import degradations, models
from difface_cli.faces.retinaface import backbone
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.weights import registry

Floats = npt.NDArray[np.float64]
DIRECTIONS = 32


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    psnr: float
    ssim: float
    shift: float
    found: int
    frechet: float

    def __str__(self) -> str:
        return (
            f"{self.psnr:.2f} | {self.ssim:.3f} | {self.shift:.1f} | {self.found} "
            f"| {self.frechet:.1f}"
        )


def portraits(folder: Path, size: int, count: int) -> Tensor:
    """n×3×size×size in [0, 1]."""
    paths = sorted(folder.glob("*.jpg")) or sorted(folder.glob("*.png"))
    pictures = []
    for path in paths[:count]:
        with Image.open(path) as f:
            resized = f.convert("RGB").resize((size, size), Image.Resampling.BOX)
        pictures.append(torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255)
    return torch.stack(pictures)


def landmarks(ready: Ready, faces: Tensor) -> list[Floats | None]:
    """Five landmarks of each aligned face, None where no face is found."""
    found: list[Floats | None] = []
    for face in faces:
        rgb = (face * 255).round().byte().permute(1, 2, 0).numpy()
        faces_here = ready.detector(rgb) if ready.detector else []
        found.append(faces_here[0].landmarks if faces_here else None)
    return found


def features(ready: Ready, faces: Tensor) -> Floats:
    """The detector's deepest features, averaged over the picture: n×c."""
    assert ready.detector is not None
    bgr = faces.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    deepest = backbone(ready.detector.network, bgr)[-1]
    return deepest.mean((2, 3)).double().numpy()


def frechet(a: Floats, b: Floats) -> float:
    """Distance of the Gaussians fitted to a and b, in the main directions of b (Heusel 2017)."""
    _, _, directions = np.linalg.svd(b - b.mean(0), full_matrices=False)
    a, b = a @ directions[:DIRECTIONS].T, b @ directions[:DIRECTIONS].T
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    # tr √(AB) is the sum of the roots of AB's eigenvalues, which are real and not negative.
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(0)).sum()
    mean = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(mean + np.trace(cov_a) + np.trace(cov_b) - 2 * roots)


def compare(ready: Ready, results: Tensor, truths: Tensor) -> Row:
    """One row: results against truths."""
    error = ((results - truths) ** 2).mean((1, 2, 3))
    ssim = [
        structural_similarity(  # type: ignore[no-untyped-call]
            r.permute(1, 2, 0).numpy(), t.permute(1, 2, 0).numpy(), channel_axis=2, data_range=1
        )
        for r, t in zip(results, truths, strict=True)
    ]
    pairs = [
        (r, t)
        for r, t in zip(landmarks(ready, results), landmarks(ready, truths), strict=True)
        if r is not None and t is not None
    ]
    shifts = [np.linalg.norm(r - t, axis=1).mean() / np.linalg.norm(t[0] - t[1]) for r, t in pairs]
    return Row(
        psnr=(-10 * error.log10()).mean().item(),
        ssim=float(np.mean(ssim)),
        shift=100 * float(np.mean(shifts)),
        found=len(pairs),
        frechet=1e3 * frechet(features(ready, results), features(ready, truths)),
    )


def restored(ready: Ready, estimates: Tensor, settings: Settings) -> Tensor:
    """Run the prior on every estimate, one at a time."""
    return torch.cat(
        [
            difface.contract(
                f_y[None], ready.denoise, ready.schedule, settings, [difface.face_seed(0, f_y)]
            )
            for f_y in estimates
        ]
    )


def main() -> None:
    """Print the table, and write a sheet of pictures when asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--n", default="100,150,200,260,320,400")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--eta", type=float, default=0.5)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--estimator", help="weights to start from, in place of the model's own")
    parser.add_argument("--sheet", type=Path, help="degraded, estimate, every N, truth; 12 faces")
    a = parser.parse_args()

    known = registry.load()
    model = known.model(a.model, "restore")
    if a.estimator:
        model = models.with_part(known, model, "estimator", "restore", a.estimator)
    device = torch.device("cpu")
    ready = models.load(known, model, device, models.resolve_precision("auto", device))
    with torch.inference_mode():
        truths = portraits(a.portraits, model.image_size, a.count)
        rng = np.random.default_rng(0)
        y = torch.stack([degradations.celeba_test(rng)(truth) for truth in truths])
        estimates = torch.cat([difface.estimate(face[None], ready.estimator) for face in y])
        print(f"{len(y)} portraits at {model.image_size}, {a.steps} steps, {platform.processor()}")
        print("| | PSNR | SSIM | shift % | found | Frechet | s a face |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        columns = [y, estimates]
        print(f"| degraded | {compare(ready, y, truths)} | |", flush=True)
        print(f"| estimator | {compare(ready, estimates, truths)} | |", flush=True)
        for n in map(int, a.n.split(",")):
            settings = replace(Settings(eta=a.eta), n=n, steps=min(a.steps, n))
            start = time.perf_counter()
            columns.append(restored(ready, estimates, settings))
            seconds = (time.perf_counter() - start) / len(y)
            row = compare(ready, columns[-1], truths)
            print(f"| N = {n} | {row} | {seconds:.1f} |", flush=True)
        print(f"| truth | {compare(ready, truths, truths)} | |")
    if a.sheet:
        write_sheet([*columns, truths], a.sheet)


def write_sheet(columns: list[Tensor], path: Path, rows: int = 12, side: int = 160) -> None:
    """One row a face, one column a stage."""
    step = max(1, len(columns[0]) // rows)
    chosen = [F.interpolate(c[::step][:rows], (side, side), mode="area") for c in columns]
    sheet = torch.cat([torch.cat(list(column), dim=1) for column in chosen], dim=2)
    pixels = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, quality=90)


if __name__ == "__main__":
    main()
