"""What a report shows, as plain records. All text is plain: nothing in it is markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """h×w×3 sRGB pixels, and what they show, for those who do not see them."""

    pixels: Pixels
    alt: str

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True)
class Choice:
    """One of the pictures that a comparison can show on its right."""

    label: str
    picture: Picture


@dataclass(frozen=True)
class Box:
    """A frame on a picture: left, top, right, bottom in shares of its width and height."""

    label: str
    edges: tuple[float, float, float, float]
    muted: bool = False

    def on(self, picture: Picture) -> tuple[float, float, float, float, float]:
        """Left, top, width and height on a picture, and the size of the letters, in pixels."""
        width, height = picture.width, picture.height
        x0, y0, x1, y1 = self.edges
        high, small = (y1 - y0) * height, min(width, height)
        letters = max(small / 32, min(high / 4, small / 12))
        return x0 * width, y0 * height, (x1 - x0) * width, high, letters


@dataclass(frozen=True)
class Comparison:
    """Before and after under a slider.

    Attributes:
        title: its heading.
        before: on the left of the slider.
        choices: for the right of it; the first is shown.
        boxes: frames that can be switched on.
        note: a line under it.
        anchor: what a `Link` names; its place in the page.
    """

    title: str
    before: Picture
    choices: tuple[Choice, ...]
    boxes: tuple[Box, ...] = ()
    note: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture by itself, with a caption, and frames on it."""

    picture: Picture
    caption: str = ""
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Plot:
    """A drawing that is a file already, PNG or SVG, and is put in as it is."""

    data: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Cell:
    """One picture of a grid.

    Attributes:
        label: the settings that made it, its name when enlarged.
        notes: what was measured on it.
        hint: a line that is shown when it is enlarged, such as how to use it.
    """

    label: str
    picture: Picture
    notes: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a grid; None where there is nothing to show."""

    label: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Grid:
    """Pictures in rows and columns, each to be enlarged.

    Attributes:
        title: its heading.
        columns: a heading for each cell of a row.
        front: pictures above the grid; enlarged, all can be held against the first of them.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    front: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Link:
    """Text that leads to a comparison or section of the same page."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Table:
    """Rows of text under headings, the first of each row its name."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Link, ...], ...]


@dataclass(frozen=True)
class Facts:
    """Names and values under a heading."""

    title: str
    values: Mapping[str, str]


Block = Comparison | Figure | Plot | Grid | Table | Facts


@dataclass(frozen=True)
class Section:
    """Blocks under a heading.

    Attributes:
        note: a line between heading and blocks.
        anchor: what a `Link` names; its place in the page.
        cards: whether the blocks stand side by side where there is room.
        folded: whether it is closed until one opens it.
    """

    title: str
    blocks: tuple[Block, ...]
    note: str = ""
    anchor: str = ""
    cards: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: of the page, such as the photo's name.
        summary: what came of it, in a sentence.
        notice: what nobody should overlook.
        footer: what made the page, and when.
    """

    title: str
    summary: str
    notice: str
    sections: tuple[Section, ...]
    footer: str = ""

    def pictures(self) -> Iterator[Picture]:
        """All pictures, some perhaps more than once."""
        for section in self.sections:
            for block in section.blocks:
                yield from _pictures(block)


def _pictures(block: Block) -> Iterator[Picture]:
    match block:
        case Comparison():
            yield block.before
            yield from (choice.picture for choice in block.choices)
        case Figure():
            yield block.picture
        case Grid():
            yield from (cell.picture for cell in block.front)
            yield from (cell.picture for row in block.rows for cell in row.cells if cell)
