"""What gamma does to holes in test portraits: fidelity inside, and the jump across their borders.

    python benchmarks/inpainting.py PORTRAITS/test --count 40 --sheet inpainting.png

PORTRAITS/test holds sharp pictures aligned to the FFHQ template, of people the model never saw.
Each gets one of the paper's four types of holes in turn, at the model's size, with a fixed seed.
PSNR and SSIM are to the truth, within the holes. The jump is the mean absolute difference of
neighbouring pixels on either side of a hole's border, in grey levels, as a multiple of the truth's
own at the same place: 1 is no seam at all. Keeping puts the known pixels back, which leaves what
is inside the holes alone and makes the seam as visible as the drawn and the known pixels differ.
"""

from __future__ import annotations

import argparse
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from difface_cli import models
from difface_cli.degradations import masks
from difface_cli.method import difface
from difface_cli.method.difface import Refinement, Settings
from difface_cli.method.guidance import Mask, refine
from difface_cli.metrics import fidelity
from difface_cli.models import Ready
from difface_cli.report import grids
from difface_cli.weights import registry

Floats = npt.NDArray[np.float32]
LAMA = "LaMa alone"


@dataclass(frozen=True)
class Case:
    """A portrait s×s×3 in [0, 1] and its holes s×s, 1 inside."""

    kind: str
    truth: Floats
    mask: Floats

    @property
    def masked(self) -> Floats:
        """The portrait with zeros in its holes."""
        return self.truth * (1 - self.mask)[..., None]

    def kept(self, filled: Floats) -> Floats:
        """`filled` with the known pixels put back."""
        return np.where(self.mask[..., None] > 0, filled, self.truth)


def cases(folder: Path, size: int, count: int) -> list[Case]:
    """Portraits with holes, the four types in turn."""
    paths = sorted(folder.glob("*.jpg")) or sorted(folder.glob("*.png"))
    rng = np.random.default_rng(0)
    made = []
    for index, path in enumerate(paths[:count]):
        with Image.open(path) as f:
            resized = f.convert("RGB").resize((size, size), Image.Resampling.BOX)
        kind = masks.PAPER_TYPES[index % len(masks.PAPER_TYPES)]
        mask = masks.KINDS[kind](rng, (size, size)).astype(np.float32)
        made.append(Case(kind, np.asarray(resized, np.float32) / np.float32(255), mask))
    return made


def jump(picture: Floats, mask: Floats) -> float:
    """The mean absolute difference across the border of the holes, of neighbours in either axis."""
    across = []
    for axis in (0, 1):
        border = np.diff(mask, axis=axis) != 0
        across.append(np.abs(np.diff(picture, axis=axis)).mean(axis=2)[border])
    return float(np.concatenate(across).mean()) * 255


def scores(case: Case, filled: Floats) -> tuple[float, float, float, float]:
    """PSNR and SSIM inside, and the relative jump without and with the known pixels kept."""
    own = jump(case.truth, case.mask)
    return (
        fidelity.psnr(filled, case.truth, case.mask),
        fidelity.ssim(filled, case.truth, case.mask),
        jump(filled, case.mask) / own,
        jump(case.kept(filled), case.mask) / own,
    )


def fill(
    case: Case, ready: Ready, settings: Settings, refinements: list[Refinement]
) -> list[Floats]:
    """The estimate, and what the chain makes of it under each refinement with the same noise."""
    y = _batch(case.truth)
    mask = torch.from_numpy(case.mask)[None, None]
    holed = torch.cat([y * (1 - mask), mask], dim=1)
    pictures = [difface.estimate(holed, ready.estimator)]
    for refinement in refinements:
        held = refine(ready.denoise, Mask(2 * y - 1, mask), refinement.gamma, refinement.how)
        pictures.append(difface.contract(pictures[0], held, ready.schedule, settings, [0]))
    return [picture[0].permute(1, 2, 0).float().numpy() for picture in pictures]


def _batch(picture: Floats) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def main() -> None:
    """Print the tables, and write a sheet of pictures when asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--gamma", default="0,0.1,0.5", help="several, with commas between")
    parser.add_argument("--refine", default="closed-form")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--eta", type=float, default=1.0)
    parser.add_argument("--n", type=int, default=480)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--model", default="starter-inpaint")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--sheet", type=Path, help="masked, LaMa, each gamma, truth; 12 portraits")
    a = parser.parse_args()

    known = registry.load(a.models)
    model = known.model(a.model, "inpaint")
    device = torch.device("cpu")
    dtype = models.resolve_precision("auto", device)
    ready = models.load(known, model, device, dtype, detector=False)
    gammas = [float(text) for text in a.gamma.split(",")]
    names = [LAMA, *(f"gamma {gamma:g}" for gamma in gammas)]
    portraits = cases(a.portraits, model.image_size, a.count)
    settings = Settings(a.n, a.steps, a.eta)
    with torch.inference_mode():
        filled = [
            fill(case, ready, settings, [Refinement(gamma, a.refine) for gamma in gammas])
            for case in portraits
        ]
    print(
        f"{len(portraits)} portraits at {model.image_size}, {a.model}, N {a.n}, {a.steps} steps, "
        f"eta {a.eta:g}, {a.refine}, {platform.processor()}"
    )
    for kind in (*masks.PAPER_TYPES, "all"):
        table(kind, names, portraits, filled)
    if a.sheet:
        write_sheet(names, portraits[:12], filled, a.sheet)


def table(kind: str, names: list[str], portraits: list[Case], filled: list[list[Floats]]) -> None:
    """Print the means over one type of holes."""
    print(f"\n| {kind} | PSNR | SSIM | jump, all drawn | jump, known kept |")
    print("| --- | --- | --- | --- | --- |")
    chosen = [
        (case, pictures)
        for case, pictures in zip(portraits, filled, strict=True)
        if kind in ("all", case.kind)
    ]
    for column, name in enumerate(names):
        psnr, ssim, loose, kept = np.mean(
            [scores(case, pictures[column]) for case, pictures in chosen], axis=0
        )
        print(f"| {name} | {psnr:.2f} | {ssim:.3f} | {loose:.2f} | {kept:.2f} |")


def write_sheet(
    names: list[str], portraits: list[Case], filled: list[list[Floats]], path: Path
) -> None:
    """A row a portrait, its known pixels put back."""
    rows = [
        [case.masked, *(case.kept(picture) for picture in pictures), case.truth]
        for case, pictures in zip(portraits, filled, strict=False)
    ]
    tiles = [[_tile(picture) for picture in row] for row in rows]
    kinds = [case.kind for case in portraits]
    grid = grids.Grid(tiles, kinds, ["masked", *names, "truth"], apart=1)
    Image.fromarray(grids.draw(grid, 256)).save(path)


def _tile(picture: Floats) -> grids.Tile:
    return grids.Tile(lambda: picture)


if __name__ == "__main__":
    main()
