"""Do the seeds differ where they are wrong? The map of `--trust` against the true error.

    python benchmarks/trust.py draw PORTRAITS/test --set heavy --seeds 4 --to heavy.npz
    python benchmarks/trust_variation.py heavy.npz --plot docs/images/trust.png

Rank correlations (Spearman) of deviation and error: over the pixels of each face, over the means
of squares of 8 pixels, and over faces; a plot of the two, and a sheet of pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from trust import Face, measured

from difface_cli.faces import paste
from difface_cli.metrics.fidelity import LEVELS, distance
from difface_cli.report import grids

Floats = npt.NDArray[np.float32]
POOL = 8


def main() -> None:
    """Print the correlations; draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--sheet", type=Path)
    a = parser.parse_args()
    variation([*measured(a.files)], a.plot, a.sheet)


def variation(faces: list[Face], plot: Path | None, sheet: Path | None) -> None:
    """Does what the seeds draw differently tell where they are wrong?"""
    size = faces[0].y.shape[0]
    inside = paste.face_mask(size) > 0.5
    pairs = [(f.trust.deviation, np.sqrt(((f.samples[0] - f.t) ** 2).mean(axis=2))) for f in faces]
    rows = [(d[inside], e[inside]) for d, e in pairs if d is not None]
    ranks = [correlation(d, e) for d, e in rows]
    coarse = [correlation(pooled(d), pooled(e)) for d, e in pairs if d is not None]
    mask = paste.face_mask(size)
    numbers = np.array([f.trust.variation or 0.0 for f in faces])
    errors = np.array([distance(f.samples[0], f.t, mask) for f in faces])
    print(f"{len(faces)} faces, {len(faces[0].samples)} seeds")
    print(f"rank correlation per pixel, mean over faces: {np.mean(ranks):.2f}")
    print(f"the same over squares of {POOL} pixels: {np.mean(coarse):.2f}")
    print(f"rank correlation per face: {correlation(numbers, errors):.2f}")
    fits = np.array([f.trust.consistency.psnr for f in faces])
    blurs = np.array([f.trust.consistency.severity.width for f in faces])
    print(f"of fit and error, per face: {correlation(fits, errors):.2f}")
    print(f"of blur and error, per face: {correlation(blurs, errors):.2f}")
    d, e = (LEVELS * np.concatenate(side) for side in zip(*rows, strict=True))
    print(f"root mean square: deviation {rms(d):.1f}, error {rms(e):.1f} levels")
    if plot:
        draw_plot(d, e, numbers, errors, plot)
    if sheet:
        draw_sheet(faces, sheet)


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt((values**2).mean()))


def pooled(values: Floats) -> Floats:
    """Means over squares, of those within the oval."""
    side = values.shape[0] // POOL
    means = values.reshape(side, POOL, side, POOL).mean(axis=(1, 3))
    mask = paste.face_mask(values.shape[0]).reshape(side, POOL, side, POOL).mean(axis=(1, 3))
    return np.asarray(means[mask > 0.5])


def correlation(a: Any, b: Any) -> float:
    """Spearman's: of the ranks."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    matrix: npt.NDArray[np.float64] = np.atleast_2d(np.corrcoef(ranks))
    return float(matrix[0, 1])


def draw_plot(d: Any, e: Any, numbers: Any, errors: Any, path: Path) -> None:
    """Error over deviation, by pixel in bins of equal number, and by face."""
    from matplotlib.figure import Figure

    figure = Figure((9, 3.9), layout="constrained", dpi=110)
    left, right = figure.subplots(1, 2)
    order = np.argsort(d)
    bins = np.array_split(order, 20)
    left.plot([rms(d[b]) for b in bins], [rms(e[b]) for b in bins], "o-", color="#0072B2")
    left.plot([0, 20], [0, 20], color="0.6", linestyle="--", linewidth=0.9)
    left.annotate("as much error as variation", (20, 8), ha="right", va="top", color="0.4")
    left.set(
        title="pixels, a twentieth of them at each point",
        xlabel="deviation of the seeds, levels of 255",
        ylabel="true error, levels",
    )
    right.plot(numbers, errors, "o", color="#D55E00", markersize=4)
    right.set(title="faces", xlabel="variation of the face, levels", ylabel="true error, levels")
    for panel in (left, right):
        panel.grid(alpha=0.25)
        panel.set_ylim(bottom=0)
    figure.savefig(path)


def draw_sheet(faces: list[Face], path: Path, rows: int = 6) -> None:
    """Six faces, evenly chosen: found, drawn, true, degraded again, residual, variation, error."""
    top = 48 / LEVELS
    columns = ["found", "drawn", "truth", "drawn, degraded", "residual", "variation", "error"]
    tiles: list[list[grids.Tile | None]] = []
    for face in faces[:: max(1, len(faces) // rows)][:rows]:
        consistency, deviation = face.trust.consistency, face.trust.deviation
        assert deviation is not None
        error = np.sqrt(((face.samples[0] - face.t) ** 2).mean(axis=2)).astype(np.float32)
        shown = (
            face.y,
            face.samples[0],
            face.t,
            consistency.degraded,
            consistency.residual(face.y),
            grids.heat(deviation, top),
            grids.heat(error, top),
        )
        notes = ("", "", "", f"{consistency.psnr:.1f} dB", "", f"{face.trust.variation:.1f}", "")
        tiles.append(
            [
                grids.Tile(lambda picture=picture: picture, note)  # type: ignore[misc]
                for picture, note in zip(shown, notes, strict=True)
            ]
        )
    sheet = grids.draw(grids.Grid(tiles, [""] * len(tiles), columns), 128)
    Image.fromarray(sheet).save(path, quality=88)


if __name__ == "__main__":
    main()
