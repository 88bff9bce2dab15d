"""Pages of flat colours, whose pixels tell what is shown."""

from __future__ import annotations

import numpy as np

from difface_cli.report import (
    Block,
    Cell,
    Choice,
    Comparison,
    Facts,
    Grid,
    Page,
    Picture,
    Row,
    Section,
)

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)


def flat(colour: tuple[int, int, int], alt: str = "flat", side: int = 160) -> Picture:
    """A square of one colour."""
    return Picture(np.full((side, side, 3), colour, np.uint8), alt)


def page(*blocks: Block, title: str = "photo.jpg") -> Page:
    """A page of one section."""
    return Page(title, "1 of 1 faces restored.", "No evidence.", (Section("Part", blocks),))


def comparison() -> Comparison:
    """Red before; blue after, or green."""
    choices = (Choice("Restored", flat(BLUE, "blue")), Choice("Estimate", flat(GREEN, "green")))
    return Comparison("Face 0", flat(RED, "red"), choices, anchor="face-0")


def grid() -> Grid:
    """Two rows of two cells, the last one missing; red in front."""
    cells = [Cell(f"N {n}", flat(c, str(n))) for n, c in ((1, BLUE), (2, GREEN), (3, (9, 9, 9)))]
    rows = (Row("seed 0", (cells[0], cells[1])), Row("seed 1", (cells[2], None)))
    return Grid("Face 0", ("N 1", "N 2"), rows, front=(Cell("Input", flat(RED, "red")),))


def facts() -> Facts:
    """A table."""
    return Facts("Settings", {"n": "250"})
