"""Pictures side by side, with what they are written on the edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MOST_PIXELS = 8_000_000  # of all cells together: what a viewer opens at once
SMALLEST_CELL = 32
PAPER, INK, PALE, FRAME = "white", "#1a1a1a", "#6b6b6b", "#0a8f3c"


@dataclass(frozen=True)
class Tile:
    """One place of a grid.

    Attributes:
        picture: gives it, s×s×3 in [0, 1], when it is drawn, so that one is held at a time.
        caption: under it.
        framed: whether it stands out.
    """

    picture: Callable[[], Floats]
    caption: str = ""
    framed: bool = False


@dataclass(frozen=True)
class Grid:
    """Tiles in rows and columns; None leaves a place empty.

    Attributes:
        rows, columns: labels, of one or more lines; a column's is cut to its width.
        apart: so many columns at the left are set apart from the rest.
        title: above, in one line.
        notes: lines below.
    """

    tiles: Sequence[Sequence[Tile | None]]
    rows: Sequence[str]
    columns: Sequence[str]
    apart: int = 0
    title: str = ""
    notes: Sequence[str] = ()


def draw(grid: Grid, size: int) -> Pixels:
    """The grid as one picture, h×w×3, its cells made smaller where there are many.

    Args:
        size: side of the cells' pictures, pixels.
    """
    side = cell_side(len(grid.tiles) * len(grid.columns), size)
    sheet = _Sheet(grid, side)
    for row, tiles in enumerate(grid.tiles):
        sheet.label_row(row)
        for column, tile in enumerate(tiles):
            if tile is not None:
                sheet.put(row, column, tile)
    return np.asarray(sheet.image)


def cell_side(count: int, size: int) -> int:
    """The side of a cell so that `count` of them stay within a viewer's bounds, pixels."""
    return max(SMALLEST_CELL, min(size, math.isqrt(MOST_PIXELS // max(1, count))))


def heat(values: Floats, top: float) -> Floats:
    """A map s×s as colours s×s×3 in [0, 1]: black for 0, over red, to pale yellow for `top`."""
    levels = (values / top * 255).clip(0, 255).astype(np.uint8)
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return bgr[..., ::-1].astype(np.float32) / np.float32(255)


def pixels(face: Floats) -> Pixels:
    """A picture in [0, 1] in 8 bits."""
    return (face.clip(0, 1) * 255).round().astype(np.uint8)


class _Sheet:
    """The paper that a grid is drawn on, and where everything goes on it."""

    def __init__(self, grid: Grid, side: int) -> None:
        self.grid, self.side = grid, side
        self.font: Font = ImageFont.load_default(max(11.0, min(26.0, side / 10)))
        self.small: Font = ImageFont.load_default(max(10.0, min(20.0, side / 13)))
        self.gap = max(3, side // 40)
        self.line = self._height(self.font)
        captions = any(tile and tile.caption for tiles in grid.tiles for tile in tiles)
        self.caption = self._height(self.small) + self.gap if captions else 0
        left = max((self._width(label) for label in grid.rows), default=0)
        self.left = left + 4 * self.gap if left else self.gap
        lines = max((label.count("\n") + 1 for label in grid.columns), default=1)
        self.top = (lines + bool(grid.title)) * (self.line + 2 * self.gap) + self.gap
        notes = len(grid.notes) * (self._height(self.small) + self.gap) + self.gap
        width = self.x(len(grid.columns)) + self.gap
        width = max(
            width, self._width(grid.title) + 4 * self.gap, *map(self._note_width, grid.notes)
        )
        self.image = Image.new("RGB", (width, self.y(len(grid.tiles)) + notes), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self._write_edges()

    def x(self, column: int) -> int:
        """The left edge of a column."""
        apart = 4 * self.gap if column >= self.grid.apart > 0 else 0
        return self.left + column * (self.side + self.gap) + apart

    def y(self, row: int) -> int:
        """The upper edge of a row."""
        return self.top + row * (self.side + self.gap + self.caption)

    def label_row(self, row: int) -> None:
        middle = (self.left - 2 * self.gap, self.y(row) + self.side // 2)
        self.pen.multiline_text(
            middle, self.grid.rows[row], INK, self.font, anchor="rm", align="right"
        )

    def put(self, row: int, column: int, tile: Tile) -> None:
        x, y, side = self.x(column), self.y(row), self.side
        picture = Image.fromarray(pixels(tile.picture()))
        if picture.size != (side, side):
            picture = picture.resize((side, side), Image.Resampling.LANCZOS)
        if tile.framed:
            edge = max(2, self.gap // 2)
            self.pen.rectangle(
                (x - edge, y - edge, x + side + edge - 1, y + side + edge - 1), FRAME
            )
        self.image.paste(picture, (x, y))
        if tile.caption:
            at = (x + side // 2, y + side + self.gap)
            self.pen.text(at, tile.caption, PALE, self.small, anchor="ma")

    def _write_edges(self) -> None:
        if self.grid.title:
            self.pen.text((self.gap * 2, self.gap * 2), self.grid.title, INK, self.font)
        for column, label in enumerate(self.grid.columns):
            at = (self.x(column) + self.side // 2, self.top - 2 * self.gap)
            lines = "\n".join(self._fitted(line) for line in label.split("\n"))
            self.pen.multiline_text(at, lines, INK, self.font, anchor="md", align="center")
        y = self.y(len(self.grid.tiles)) + self.gap
        for note in self.grid.notes:
            self.pen.text((self.gap * 2, y), note, PALE, self.small)
            y += self._height(self.small) + self.gap

    def _fitted(self, text: str) -> str:
        """The text, or as much of it as stands above a cell."""
        if self.font.getlength(text) <= self.side + self.gap:
            return text
        while text and self.font.getlength(text + "…") > self.side:
            text = text[:-1]
        return text + "…"

    def _width(self, text: str) -> int:
        box = self.pen_for_size.multiline_textbbox((0, 0), text, font=self.font)
        return math.ceil(box[2])

    def _note_width(self, text: str) -> int:
        return math.ceil(self.small.getlength(text)) + 4 * self.gap

    def _height(self, font: Font) -> int:
        return math.ceil(font.getbbox("Ågp")[3])

    pen_for_size = ImageDraw.Draw(Image.new("RGB", (1, 1)))
