"""What a sweep shows: the grid of its cells, the plot of what was measured, the variation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from difface_cli import images
from difface_cli.base.errors import UsageError
from difface_cli.base.luma import without_colour
from difface_cli.metrics.spread import Spread
from difface_cli.report import grids, plots
from difface_cli.report.grids import Grid, Tile
from difface_cli.report.plots import Curve, Measure
from difface_cli.sweep import AXES, Cell, Plan
from difface_cli.sweep.folder import Stored, write_picture
from difface_cli.weights.registry import Model

Array = npt.NDArray[np.float32]
Values = dict[str, Any]  # axis → value

NOTE = "Restored detail is synthesised: it is no evidence of anybody's identity."
NAMES = {"n": "N", "eta": "eta", "seed": "seed", "steps": "steps", "estimator": "estimator"}
TOP_VARIATION = 32.0  # grey levels that are drawn brightest, one scale for all sweeps


@dataclass(frozen=True)
class Swept:
    """One face, all of whose cells are finished.

    Attributes:
        index: the face's number in the photo.
        original, estimates, reference: s×s×3 in [0, 1]; estimates by estimator.
        metrics: what was measured of each cell, and of "input", "estimate" and "reference".
        gray: whether faces are shown without colour, as they would be pasted.
    """

    index: int
    original: Array
    estimates: Mapping[str, Array]
    reference: Array | None
    cells: Sequence[Stored]
    metrics: Mapping[Cell | str, Mapping[str, float]]
    gray: bool

    def shown(self, face: Array) -> Array:
        """The face as it would be pasted."""
        return without_colour(face) if self.gray else face


@dataclass(frozen=True)
class Layout:
    """Which axes run down and which across; the last of several runs fastest."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Variation:
    """How the seeds of one choice of settings differ.

    Attributes:
        values: the settings, axis → value, all but the seed.
        mean: file of the mean picture.
        map: file of the deviation of each pixel, in colours.
        level: its root mean square, in grey levels of 255.
    """

    values: Values
    mean: Path
    map: Path
    level: float


def layout(plan: Plan, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Layout:
    """Where each axis goes: as asked for, N across and the others down where nothing is said.

    Raises:
        UsageError: for what is no axis, or an axis named twice.
    """
    for name in (*rows, *columns):
        if name not in AXES:
            raise UsageError(
                f"--rows and --cols take {', '.join(AXES)}, not {name!r}.",
                "Separate several by commas, as in --rows eta,seed.",
            )
    if len({*rows, *columns}) < len(rows) + len(columns):
        raise UsageError("--rows and --cols name an axis twice.", "Name each axis once.")
    left = [axis for axis in plan.varied if axis not in (*rows, *columns)]
    if not columns and left:
        columns = (left.pop(0),)
    return Layout((*rows, *left), tuple(columns))


def grid(swept: Swept, plan: Plan, where: Layout, model: Model) -> npt.NDArray[np.uint8]:
    """Input, reference where there is one, and estimate in front, then every cell, labelled."""
    cells = {_place(plan, vars(stored.cell)): stored for stored in swept.cells}
    columns = _combinations(plan, where.columns)
    several = "estimator" in where.columns
    given = [face for face in (swept.original, swept.reference) if face is not None]
    labels = ["input", "reference"][: len(given)]
    labels += [f"estimate\n{name}" for name in plan.estimator] if several else ["estimate"]
    tiles: list[list[Tile | None]] = []
    before = None
    for row in _combinations(plan, where.rows):
        name = row.get("estimator", plan.estimator[0])
        shown = swept.estimates.values() if several else [swept.estimates[name]]
        front: list[Tile | None] = [None] * len(labels)
        if not tiles:
            front[: len(given)] = [Tile(_shown(swept, face)) for face in given]
        if name != before:
            front[len(given) :] = [Tile(_shown(swept, estimate)) for estimate in shown]
        before = name
        row_cells = [cells[_place(plan, row | column)] for column in columns]
        tiles.append([*front, *(_tile(swept, stored, model) for stored in row_cells)])
    return grids.draw(
        Grid(
            tiles,
            rows=[_label(row) for row in _combinations(plan, where.rows)],
            columns=[*labels, *(_label(column) for column in columns)],
            apart=len(labels),
            title=_title(swept, plan, model),
            notes=[*_framing(swept, model), NOTE],
        ),
        model.image_size,
    )


def variations(swept: Swept, folder: Path, weight: Array) -> list[Variation]:
    """How the seeds differ, for each choice of the other settings; none for a single seed.

    Writes a mean and a map for each into `folder`, holding one at a time.

    Args:
        weight: s×s in [0, 1], where the face shows.
    """
    found = []
    for cell, group in groupby(swept.cells, lambda stored: replace(stored.cell, seed=0)):
        spread = Spread()
        for stored in group:
            spread.add(swept.shown(stored.face()))
        if spread.count < 2:
            continue
        folder.mkdir(exist_ok=True)
        name = f"face{swept.index}_n{cell.n}_eta{cell.eta}_steps{cell.steps}_{cell.estimator}"
        mean, heat = folder / f"{name}_mean.png", folder / f"{name}_map.png"
        write_picture(mean, grids.pixels(spread.mean))
        colours = grids.heat(spread.deviation * 255, TOP_VARIATION)
        write_picture(heat, grids.pixels(colours))
        values = {axis: getattr(cell, axis) for axis in AXES if axis != "seed"}
        found.append(Variation(values, mean, heat, spread.level(weight)))
    return found


def variation_grid(
    swept: Swept, plan: Plan, where: Layout, varied: Sequence[Variation], model: Model
) -> npt.NDArray[np.uint8]:
    """Each choice's mean over the seeds, and under it the map of where they differ."""
    at = {_place(plan, v.values | {"seed": 0}): v for v in varied}
    rows = _combinations(plan, [axis for axis in where.rows if axis != "seed"])
    columns = _combinations(plan, [axis for axis in where.columns if axis != "seed"])
    tiles: list[list[Tile | None]] = []
    labels = []
    for row in rows:
        choices = [at[_place(plan, row | column | {"seed": 0})] for column in columns]
        tiles.append([Tile(partial(_read, v.mean)) for v in choices])
        tiles.append([Tile(partial(_read, v.map), f"{v.level:.1f} levels") for v in choices])
        labels += ["\n".join(filter(None, (_label(row), what))) for what in ("mean", "variation")]
    return grids.draw(
        Grid(
            tiles,
            rows=labels,
            columns=[_label(column) for column in columns],
            title=_title(swept, plan, model, f"{len(plan.seed)} seeds"),
            notes=[
                "Variation: what the tool invented.",
                "Standard deviation of each pixel over the seeds:",
                f"black 0, brightest {TOP_VARIATION:g} and more grey levels of 255.",
                "The number is its root mean square where the face shows.",
                NOTE,
            ],
        ),
        model.image_size,
    )


def plot(swept: Swept, plan: Plan, model: Model) -> bytes:
    """Fidelity and sharpness over N, and one against the other, as a PNG (after fig. 6)."""
    x = next((axis for axis in ("n", "eta", "steps") if axis in plan.varied), "n")
    lines = [axis for axis in plan.varied if axis not in (x, "seed")]
    curves = [_curve(swept, plan, x, line) for line in _combinations(plan, lines)]
    measures = _measures(swept, plan)
    fidelity = next(iter(measures))
    ranges = f" Shaded: the range of {len(plan.seed)} seeds." if "seed" in plan.varied else ""
    return plots.draw(
        curves,
        measures,
        x=NAMES[x],
        against=(fidelity, "sharpness"),
        title=_title(swept, plan, model),
        notes="Sharpness is high-frequency energy: it grows with noise and artefacts too, and "
        f"says nothing of truth.{ranges}",
    )


def _curve(swept: Swept, plan: Plan, x: str, line: Values) -> Curve:
    at: dict[float, list[Mapping[str, float]]] = {}
    for stored in swept.cells:
        if all(getattr(stored.cell, axis) == value for axis, value in line.items()):
            at.setdefault(getattr(stored.cell, x), []).append(swept.metrics[stored.cell])
    xs = sorted(at)
    values = {
        name: [_range([metrics[name] for metrics in at[value]]) for value in xs]
        for name in _measures(swept, plan)
    }
    return Curve(_label(line).replace("\n", ", "), xs, values)


def _range(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), sum(values) / len(values), max(values)


def _measures(swept: Swept, plan: Plan) -> dict[str, Measure]:
    """What is plotted: fidelity by the reference, or without one by the input; sharpness."""
    stages = ["input", *(f"estimate {name}" for name in plan.estimator)]

    def marks(measure: str, *names: str) -> dict[str, float]:
        found = {name: swept.metrics[name][measure] for name in names}
        return {
            name.split()[0] if len(plan.estimator) == 1 else name: v for name, v in found.items()
        }

    if swept.reference is None:
        distance = marks("distance", *stages[1:])
        fidelity = {"distance": Measure("distance to the input", "RMS, grey levels", distance)}
        return fidelity | {
            "sharpness": Measure("sharpness", "RMS, grey levels", marks("sharpness", *stages))
        }
    return {
        "psnr": Measure("PSNR", "dB, to the reference", marks("psnr", *stages)),
        "ssim": Measure("SSIM", "to the reference", marks("ssim", *stages)),
        "sharpness": Measure(
            "sharpness", "RMS, grey levels", marks("sharpness", *stages, "reference")
        ),
    }


def _tile(swept: Swept, stored: Stored, model: Model) -> Tile:
    return Tile(lambda: swept.shown(stored.face()), framed=_own(stored.cell, model))


def _shown(swept: Swept, face: Array) -> Callable[[], Array]:
    return lambda: swept.shown(face)


def _read(path: Path) -> Array:
    return images.read(path).pixels.astype(np.float32) / np.float32(255)


def _own(cell: Cell, model: Model) -> bool:
    """Whether a cell has the settings that suit the model."""
    return (cell.n, cell.eta) == (model.n, model.eta)


def _framing(swept: Swept, model: Model) -> list[str]:
    if any(_own(stored.cell, model) for stored in swept.cells):
        return [f"Framed: the N and eta that suit the model {model.name}."]
    return []


def _combinations(plan: Plan, axes: Sequence[str]) -> list[Values]:
    """Every combination of the axes' values; one empty one without axes."""
    return [
        dict(zip(axes, values, strict=True))
        for values in product(*(plan.values(axis) or (None,) for axis in axes))
    ]


def _place(plan: Plan, values: Values) -> tuple[Any, ...]:
    """What tells a cell from the others of the plan."""
    return tuple(values[axis] for axis in plan.varied)


def _label(values: Values) -> str:
    return "\n".join(_say(axis, value) for axis, value in values.items() if value is not None)


def _say(axis: str, value: Any) -> str:
    if axis == "steps":
        return f"{value} steps"
    return value if axis == "estimator" else f"{NAMES[axis]} {value:g}"


def _title(swept: Swept, plan: Plan, model: Model, *more: str) -> str:
    """The face, the model, and the settings that all cells share."""
    first = swept.cells[0].cell
    same = [
        _say(axis, getattr(first, axis))
        for axis in ("n", "eta", "seed", "steps")
        if len({getattr(stored.cell, axis) for stored in swept.cells}) == 1
    ]
    return "  ·  ".join([f"face {swept.index}", f"model {model.name}", *same, *more])
