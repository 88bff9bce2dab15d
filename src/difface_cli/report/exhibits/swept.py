"""What the report of a sweep shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from difface_cli import images, report
from difface_cli.images import Photo
from difface_cli.report.exhibits import shared
from difface_cli.report.exhibits.shared import Record
from difface_cli.tasks import Found

NAMES = {"n": "N", "eta": "eta", "seed": "seed", "steps": "steps", "estimator": "estimator"}
VARIATION = {"mean": "mean", "map": "variation"}
VARIATION_TITLE = "Variation: how the seeds differ, which is what the model invented"

Values = dict[str, Any]  # axis → value


def sweep(photo: Photo, faces: Sequence[Found], record: Record, folder: Path) -> report.Page:
    """The page of a sweep: each face's cells to enlarge, its plot, how the seeds differ.

    Args:
        photo: as it was read.
        faces: all that were found in it.
        record: the sweep's `sweep.json`; the pictures it names are read from `folder`.
    """
    overview = report.Figure(shared.whole(photo, "The photo"), boxes=shared.boxes(faces, photo))
    pictures = _Pictures(folder, None if photo.is_gray_file else photo.icc)
    return report.Page(
        title=f"Sweep of {shared.title(record['photo']['path'])}",
        summary=_summary(record),
        notice=record["notice"],
        sections=(
            report.Section("The photo", (overview,)),
            *(_face(face, record, pictures) for face in record["faces"]),
            report.Section("Faces found", (shared.faces_table(faces, photo, "Swept"),)),
            report.Section("All cells", (_cells(record),), folded=True),
            report.Section("Settings", _settings(record), folded=True),
        ),
        footer=shared.footer(record),
    )


def _summary(record: Record) -> str:
    count = sum(len(face["cells"]) for face in record["faces"])
    values = (
        f"{NAMES[axis]} {', '.join(map(shared.text, values))}"
        for axis, values in record["axes"].items()
        if values
    )
    return f"{count} cells of model {record['model']['name']}: {'; '.join(values)}."


def _face(face: Record, record: Record, pictures: _Pictures) -> report.Section:
    name = f"Face {face['index']}"
    blocks: list[report.Block] = [_grid(face, record, pictures)]
    plot = (pictures.folder / face["plot"]).read_bytes()
    blocks.append(report.Plot(plot, f"{name}: what was measured over the settings"))
    if face["variation"]:
        blocks.append(_variation(face["variation"]["groups"], record, pictures))
    return report.Section(
        name,
        tuple(blocks),
        note="Choose a picture to enlarge it, to hold it against the input, and to see the command "
        "that pastes it into the photo.",
        anchor=shared.anchor(face["index"]),
    )


def _grid(face: Record, record: Record, pictures: _Pictures) -> report.Grid:
    """The cells, laid out as the sweep's own grid is; input and estimates in front."""
    cells: list[Values] = face["cells"]
    down, across = (_combinations(cells, record[side]) for side in ("rows", "cols"))
    order = (*record["rows"], *record["cols"])
    several = len(record["faces"]) > 1
    chosen = f"--face {face['index']}:" if several else "--pick "
    command = f"difface apply {shlex.quote(str(pictures.folder))} {chosen}"
    at = {
        tuple(cell[axis] for axis in order): _cell(cell, order, command, pictures) for cell in cells
    }
    return report.Grid(
        "Every cell",
        tuple(_label(column) for column in across),
        tuple(
            report.Row(_label(row), tuple(at.get((*row.values(), *col.values())) for col in across))
            for row in down
        ),
        front=_front(face, pictures),
    )


def _front(face: Record, pictures: _Pictures) -> tuple[report.Cell, ...]:
    several = len(face["estimates"]) > 1
    named = {"Input": face["input"]}
    for name, file in face["estimates"].items():
        named[f"Estimate {name}" if several else "Estimate"] = file
    if face.get("reference"):
        named["Reference"] = face["reference"]
    return tuple(report.Cell(name, pictures(file, name)) for name, file in named.items())


def _cell(cell: Values, order: Sequence[str], command: str, pictures: _Pictures) -> report.Cell:
    values = {axis: cell[axis] for axis in order or ("n",)}
    pick = ",".join(f"{axis}={shared.text(value)}" for axis, value in values.items())
    measured = tuple(f"{name} {value:.3g}" for name, value in cell["metrics"].items())
    label = _label(values)
    return report.Cell(label, pictures(cell["file"], label), measured, command + pick)


def _combinations(cells: Sequence[Values], axes: Sequence[str]) -> list[Values]:
    """All values of the axes, the last running fastest; one empty choice of no axes."""
    values = [list(dict.fromkeys(cell[axis] for cell in cells)) for axis in axes]
    return [dict(zip(axes, chosen, strict=True)) for chosen in product(*values)]


def _label(values: Values) -> str:
    return ", ".join(f"{NAMES[axis]} {shared.text(value)}" for axis, value in values.items())


def _variation(groups: Sequence[Values], record: Record, pictures: _Pictures) -> report.Grid:
    """Laid out as the cells are: the mean over the seeds, and under it where they differ."""
    down, across = (
        _combinations(groups, [axis for axis in record[side] if axis != "seed"])
        for side in ("rows", "cols")
    )
    rows = []
    for row, (key, what) in product(down, VARIATION.items()):
        found = (_group(groups, row | column) for column in across)
        cells = tuple(_varied(group, key, what, pictures) if group else None for group in found)
        rows.append(report.Row(", ".join(filter(None, (_label(row), what))), cells))
    return report.Grid(VARIATION_TITLE, tuple(_label(column) for column in across), tuple(rows))


def _group(groups: Sequence[Values], values: Values) -> Values | None:
    fitting = (g for g in groups if all(g[axis] == value for axis, value in values.items()))
    return next(fitting, None)


def _varied(group: Values, key: str, what: str, pictures: _Pictures) -> report.Cell:
    label = f"{what}, {_label({axis: group[axis] for axis in ('n', 'eta')})}"
    notes = (f"{group['number']:.1f} grey levels",) if key == "map" else ()
    return report.Cell(label, pictures(group[key], label), notes)


def _cells(record: Record) -> report.Table:
    """The numbers of every cell."""
    cells = [(face["index"], cell) for face in record["faces"] for cell in face["cells"]]
    measures = list(cells[0][1]["metrics"]) if cells else []
    return report.Table(
        "What was measured",
        ("Face", *NAMES.values(), "seconds", *measures),
        tuple(
            (
                str(index),
                *(shared.text(cell[axis]) for axis in NAMES),
                f"{cell['seconds']:.2f}",
                *(f"{cell['metrics'][name]:.4g}" for name in measures),
            )
            for index, cell in cells
        ),
    )


def _settings(record: Record) -> tuple[report.Facts, ...]:
    photo = record["photo"]
    files = {"photo": photo["path"], "SHA-256 of the photo": photo["sha256"]}
    if record["reference"]:
        files["reference"] = record["reference"]
    return (
        report.Facts("Files", files),
        shared.model_facts(record),
        shared.setting_facts(record),
        report.Facts("Measures", record["measures"]),
        report.Facts("Versions", record["versions"]),
    )


class _Pictures:
    """The sweep's pictures, from its folder."""

    def __init__(self, folder: Path, icc: bytes | None) -> None:
        self.folder, self.icc = folder, icc

    def __call__(self, name: str, alt: str) -> report.Picture:
        # Faces are in the photo's colour space, which their files do not tell.
        photo = replace(images.read(self.folder / name), icc=self.icc)
        return report.Picture(images.on_screen(photo), alt)
