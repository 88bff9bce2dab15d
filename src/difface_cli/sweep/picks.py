"""Which cells of a sweep are meant: n=300,seed=2 for all faces, 1:n=400,seed=0 for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from difface_cli.base.errors import UsageError
from difface_cli.sweep import AXES

Cell = Mapping[str, Any]
Pick = dict[str, float | str]
HINT = "Name a cell as in --pick n=300,seed=2, or for one face --face 1:n=400,seed=0."


def choose(
    faces: Mapping[int, Sequence[Cell]], pick: str | None, by_face: Sequence[str]
) -> dict[int, Cell]:
    """The cell that is meant for each face.

    Args:
        faces: each face's cells.
        pick: for all faces; without it those of `by_face` alone are taken, if there are any.
        by_face: for one face each.

    Raises:
        UsageError: for a pick that fits no cell or several, naming the cells there are.
    """
    general = parse(pick, "--pick") if pick is not None else {}
    picks = dict.fromkeys(faces, general) if pick is not None or not by_face else {}
    for text in by_face:
        index, found, settings = text.partition(":")
        if not found or not index.strip().isdecimal():
            raise UsageError(f"--face takes I:n=400,seed=0 and the like, not {text!r}.", HINT)
        if int(index) not in faces:
            raise UsageError(
                f"The sweep has no face {int(index)}: its faces are {_listed(faces)}.", HINT
            )
        picks[int(index)] = parse(settings, "--face")
    return {index: _only(faces[index], wanted, index) for index, wanted in sorted(picks.items())}


def parse(text: str, option: str) -> Pick:
    """Settings by axis.

    Raises:
        UsageError: for anything but AXIS=VALUE, separated by commas.
    """
    pick: Pick = {}
    for part in text.split(","):
        axis, _, value = (side.strip() for side in part.partition("="))
        try:
            if axis not in AXES or not value or axis in pick:
                raise ValueError
            pick[axis] = value if axis == "estimator" else float(value)
        except ValueError:
            raise UsageError(
                f"{option} takes {', '.join(AXES)} with a value each, not {part.strip()!r}.", HINT
            ) from None
    return pick


def _only(cells: Sequence[Cell], pick: Pick, index: int) -> Cell:
    fitting = [cell for cell in cells if all(cell[axis] == value for axis, value in pick.items())]
    if len(fitting) == 1:
        return fitting[0]
    named = ",".join(f"{axis}={_text(value)}" for axis, value in pick.items()) or "no choice"
    if not fitting:
        raise UsageError(
            f"Face {index} has no cell {named}; the cells there are: {_axes(cells)}.", HINT
        )
    raise UsageError(
        f"For face {index}, {named} fits {len(fitting)} cells; they differ in {_axes(fitting)}.",
        HINT,
    )


def _axes(cells: Sequence[Cell]) -> str:
    """The values of each axis that varies; of all of them where none does."""
    values = {axis: list(dict.fromkeys(cell[axis] for cell in cells)) for axis in AXES}
    varied = {axis: vs for axis, vs in values.items() if len(vs) > 1}
    return "; ".join(f"{axis} {_listed(vs)}" for axis, vs in (varied or values).items())


def _listed(values: Any) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
