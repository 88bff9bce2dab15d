"""A sweep's report shows every cell in its place, as its record says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.report import Cell, Figure, Grid, Page, Plot, Table, render
from difface_cli.report.exhibits import sweep
from difface_cli.tasks import Found
from tests.images.pictures import srgb_profile

PHOTO = Photo(np.full((40, 60, 3), 50, np.uint8))
FACE = Face((30.0, 10.0, 45.0, 30.0), FFHQ_TEMPLATE_512 / 32, 0.9)
FOUND = (Found(0, FACE, "not chosen"), Found(1, FACE))


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    """Of a sweep of one face: two N, two seeds; grey N / 2 + seed. Its pictures are written."""

    def picture(name: str, grey: int) -> str:
        Image.new("RGB", (16, 16), (grey,) * 3).save(tmp_path / name)
        return name

    cells = [
        {"n": n, "eta": 0.5, "seed": seed, "steps": 9, "estimator": "e", "seconds": 1.25}
        | {"metrics": {"distance": n / 10}, "file": picture(f"{n}_{seed}.png", n // 2 + seed)}
        for n in (100, 200)
        for seed in (0, 1)
    ]
    groups = [
        {"n": n, "eta": 0.5, "steps": 9, "estimator": "e", "number": n / 20}
        | {"mean": picture(f"mean{n}.png", n), "map": picture(f"map{n}.png", n // 4)}
        for n in (100, 200)
    ]
    face = {
        "index": 1,
        "input": picture("input.png", 11),
        "estimates": {"e": picture("estimate.png", 12)},
        "plot": picture("plot.png", 13),
        "cells": cells,
        "variation": {"groups": groups},
    }
    return {
        "notice": "No evidence.",
        "difface": "1.2.3",
        "created": "2026-01-02T03:04:05+00:00",
        "photo": {"path": "album/old.jpg", "sha256": "ab" * 32},
        "reference": None,
        "model": {"name": "tiny", "parts": {"prior": "p"}, "weights": {"p": "cd" * 32}},
        "settings": {"aligned": False},
        "axes": {"n": [100, 200], "eta": [0.5], "seed": [0, 1], "steps": [], "estimator": ["e"]},
        "rows": ["seed"],
        "cols": ["n"],
        "measures": {"distance": "how far"},
        "versions": {"numpy": "2"},
        "faces": [face],
    }


def made(record: dict[str, Any], folder: Path, photo: Photo = PHOTO) -> Page:
    return sweep(photo, FOUND, record, folder)


def face(page: Page) -> tuple[Any, ...]:
    (blocks,) = (section.blocks for section in page.sections if section.title == "Face 1")
    return blocks


def greys(cells: tuple[Cell | None, ...]) -> list[int | None]:
    return [None if cell is None else int(cell.picture.pixels[8, 8, 0]) for cell in cells]


def test_every_cell_stands_where_its_settings_say(record: dict[str, Any], tmp_path: Path) -> None:
    grid, plot, _ = face(made(record, tmp_path))
    assert isinstance(grid, Grid)
    assert grid.columns == ("N 100", "N 200")
    assert [row.label for row in grid.rows] == ["seed 0", "seed 1"]
    assert [greys(row.cells) for row in grid.rows] == [[50, 100], [51, 101]]
    assert grid.rows[1].cells[0] is not None
    assert grid.rows[1].cells[0].label == "seed 1, N 100"
    assert grid.rows[1].cells[0].notes == ("distance 10",)
    assert [(c.label, *greys((c,))) for c in grid.front] == [("Input", 11), ("Estimate", 12)]
    assert isinstance(plot, Plot)
    assert plot.data == (tmp_path / "plot.png").read_bytes()


def test_what_does_not_go_together_is_left_empty(record: dict[str, Any], tmp_path: Path) -> None:
    """The model's own steps fall with a small N: not every N has all of them."""
    for cell in record["faces"][0]["cells"]:
        cell["steps"] = min(150, cell["n"])
    record |= {"rows": ["steps"], "cols": ["n", "seed"]}
    grid = face(made(record, tmp_path))[0]
    assert grid.columns == ("N 100, seed 0", "N 100, seed 1", "N 200, seed 0", "N 200, seed 1")
    assert [greys(row.cells) for row in grid.rows] == [
        [50, 51, None, None],
        [None, None, 100, 101],
    ]


def test_a_sweep_of_a_single_cell(record: dict[str, Any], tmp_path: Path) -> None:
    (swept,) = record["faces"]
    swept |= {"cells": swept["cells"][:1], "variation": None}
    record |= {"rows": [], "cols": []}
    grid, _ = face(made(record, tmp_path))
    assert [greys(row.cells) for row in grid.rows] == [[50]]
    assert grid.rows[0].cells[0].label == "N 100"


def test_says_how_a_cell_is_pasted(record: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "my sweep"
    folder.symlink_to(tmp_path)
    cell = face(made(record, folder))[0].rows[1].cells[1]
    assert cell.hint == f"difface apply '{folder}' --pick seed=1,n=200"
    record["faces"] *= 2
    pages = made(record, tmp_path)
    (first, _) = (section.blocks for section in pages.sections if section.title == "Face 1")
    assert isinstance(first[0], Grid)
    assert first[0].rows[1].cells[1] is not None
    assert first[0].rows[1].cells[1].hint.endswith(" --face 1:seed=1,n=200")


def test_the_variation_stands_under_its_mean(record: dict[str, Any], tmp_path: Path) -> None:
    variation = face(made(record, tmp_path))[2]
    assert variation.columns == ("N 100", "N 200")
    assert [greys(row.cells) for row in variation.rows] == [[100, 200], [25, 50]]
    assert [row.label for row in variation.rows] == ["mean", "variation"]
    assert variation.rows[1].cells[1].notes == ("10.0 grey levels",)
    record |= {"rows": ["n", "seed"], "cols": ["eta"]}
    turned = face(made(record, tmp_path))[2]
    assert turned.columns == ("eta 0.5",)
    assert [row.label for row in turned.rows] == [
        "N 100, mean",
        "N 100, variation",
        "N 200, mean",
        "N 200, variation",
    ]
    assert [greys(row.cells) for row in turned.rows] == [[100], [25], [200], [50]]


def test_faces_cells_and_settings_are_listed(record: dict[str, Any], tmp_path: Path) -> None:
    page = made(record, tmp_path)
    blocks = {section.title: section.blocks[0] for section in page.sections}
    overview, faces, cells = (blocks[t] for t in ("The photo", "Faces found", "All cells"))
    assert isinstance(overview, Figure)
    assert [box.muted for box in overview.boxes] == [True, False]
    assert isinstance(faces, Table)
    assert [row[1] for row in faces.rows] == ["no: not chosen", "yes"]
    assert isinstance(cells, Table)
    assert cells.columns[-2:] == ("seconds", "distance")
    assert cells.rows[3] == ("1", "200", "0.5", "1", "9", "e", "1.25", "20")
    assert "N 100, 200" in page.summary
    assert "cd" * 32 in render(page)


def test_faces_are_shown_in_the_photos_colours(record: dict[str, Any], tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 40, 40)).save(tmp_path / "input.png")
    swapped = srgb_profile().replace(b"rXYZ", b"tmp.").replace(b"bXYZ", b"rXYZ")
    photo = replace(PHOTO, icc=swapped.replace(b"tmp.", b"bXYZ"))
    grid = face(made(record, tmp_path, photo))[0]
    assert grid.front[0].picture.pixels[0, 0] == pytest.approx((40, 40, 200), abs=3)
