"""Pictures are where their labels say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from difface_cli.report import grids
from difface_cli.report.grids import Grid, Tile

SIZE = 40


def flat(red: float, green: float, blue: float = 0.0) -> Tile:
    return Tile(lambda: np.full((SIZE, SIZE, 3), (red, green, blue), np.float32))


def where(sheet: Any, red: float, green: float, blue: float = 0.0) -> tuple[float, float, int]:
    """Middle (x, y) and number of the pixels of a colour."""
    colour = np.round(np.array([red, green, blue]) * 255)
    rows, columns = np.nonzero((sheet == colour).all(axis=2))
    return columns.mean(), rows.mean(), len(rows)


def grid(tiles: Any, **more: Any) -> Grid:
    rows, columns = len(tiles), len(tiles[0])
    return Grid(
        tiles, [f"row {k}" for k in range(rows)], [f"N {k}" for k in range(columns)], **more
    )


def test_each_picture_stands_whole_in_its_row_and_column() -> None:
    levels = (0.2, 0.4, 0.6)
    tiles = [[flat(red, green) for green in levels] for red in levels[:2]]
    sheet = grids.draw(grid(tiles, title="face 0", notes=["a note"]), SIZE)
    found = {(r, c): where(sheet, r, c) for r in levels[:2] for c in levels}
    assert {count for *_, count in found.values()} == {SIZE * SIZE}
    for red in levels[:2]:
        xs = [found[red, green][0] for green in levels]
        assert xs == sorted(xs)
        assert len({found[red, green][1] for green in levels}) == 1
    assert found[0.2, 0.2][1] < found[0.4, 0.2][1]
    assert found[0.2, 0.2][0] == found[0.4, 0.2][0]


def test_an_empty_place_stays_paper_and_columns_can_be_set_apart() -> None:
    close = grids.draw(grid([[flat(0.2, 0), flat(0.4, 0)], [None, flat(0.6, 0)]]), SIZE)
    apart = grids.draw(grid([[flat(0.2, 0), flat(0.4, 0)], [None, flat(0.6, 0)]], apart=1), SIZE)
    x, y = where(close, 0.2, 0)[0], where(close, 0.6, 0)[1]
    hole = close[int(y) - 15 : int(y) + 15, int(x) - 15 : int(x) + 15]
    assert (hole == 255).all()
    assert where(apart, 0.4, 0)[0] - where(apart, 0.2, 0)[0] > (
        where(close, 0.4, 0)[0] - where(close, 0.2, 0)[0]
    )


def test_a_frame_and_a_caption_leave_the_picture_whole() -> None:
    plain = flat(0.2, 0)
    told = Tile(plain.picture, caption="8.1 levels", framed=True)
    sheet = grids.draw(grid([[told, flat(0.4, 0)]]), SIZE)
    assert where(sheet, 0.2, 0)[2] == SIZE * SIZE
    green = (sheet == (0x0A, 0x8F, 0x3C)).all(axis=2)
    assert green.sum() >= 4 * SIZE
    below = int(where(sheet, 0.2, 0)[1]) + SIZE // 2 + 1
    assert (sheet[below:] < 200).any()


def test_a_long_label_is_cut_and_several_lines_have_room() -> None:
    tiles = [[flat(0.2, 0), flat(0.4, 0)]]
    short = grids.draw(Grid(tiles, ["r"], ["N 1", "N 2"]), SIZE)
    long = grids.draw(Grid(tiles, ["r"], ["N 1", "estimate\nof-a-very-long-name"]), SIZE)
    assert long.shape[1] == short.shape[1]
    assert where(long, 0.4, 0)[1] > where(short, 0.4, 0)[1] + 10
    assert (long[:4] == 255).all()
    between = round(where(long, 0.2, 0)[0])
    ink = (long < 128).all(axis=2)
    above = ink[: round(where(long, 0.2, 0)[1]) - SIZE // 2]
    assert above[:, between + SIZE // 2 + 2 :].any()
    assert above[:, between - SIZE // 2 : between + SIZE // 2].any()
    assert not above[:, between + SIZE // 2 - 3 : between + SIZE // 2].any()


def test_labels_of_any_length_fit_on_the_paper() -> None:
    tiles = [[flat(0.2, 0)]]
    wide = Grid(tiles, ["a-very-long-estimator\neta 0.5"], ["N 1"], title="title " * 30)
    sheet = grids.draw(wide, SIZE)
    assert (sheet[:, -3:] == 255).all()
    assert (sheet[:, :2] == 255).all()


@pytest.mark.parametrize(("count", "size"), [(1, 256), (12, 512), (200, 512), (2000, 512)])
def test_many_cells_make_no_larger_a_picture(count: int, size: int) -> None:
    side = grids.cell_side(count, size)
    assert grids.SMALLEST_CELL <= side <= size
    assert count * side * side <= grids.MOST_PIXELS


def test_one_picture_is_held_at_a_time() -> None:
    alive: list[int] = []
    most: list[int] = []

    class Counted(np.ndarray):  # type: ignore[type-arg]
        def __del__(self) -> None:
            if alive:
                alive.pop()

    def picture() -> Any:
        alive.append(1)
        most.append(len(alive))
        return np.zeros((8, 8, 3), np.float32).view(Counted)

    grids.draw(grid([[Tile(picture) for _ in range(5)] for _ in range(4)]), 8)
    assert len(most) == 20
    assert max(most) <= 4  # a picture and what is computed from it


def test_heat_grows_brighter_from_black_and_stops_at_the_top() -> None:
    values = np.array([[0.0, 8.0, 16.0, 32.0, 99.0]], np.float32)
    brightness = grids.heat(values, 32.0).sum(axis=2)[0]
    assert brightness[0] < 0.05
    assert (np.diff(brightness[:4]) > 0).all()
    assert brightness[3] == brightness[4]
