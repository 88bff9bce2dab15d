"""Which cells are meant."""

from __future__ import annotations

from itertools import product

import pytest

from difface_cli.base.errors import UsageError
from difface_cli.sweep.picks import choose

CELLS = [
    {"n": n, "eta": 0.5, "seed": seed, "steps": 10, "estimator": "swinir"}
    for n, seed in product((100, 300), (0, 2))
]
FACES = {0: CELLS, 3: CELLS}


def test_one_pick_for_all_faces() -> None:
    chosen = choose(FACES, "n=300, seed=2", [])
    assert chosen == {0: CELLS[3], 3: CELLS[3]}


def test_a_face_of_its_own() -> None:
    chosen = choose(FACES, "n=300,seed=2", ["3:n=100,seed=0"])
    assert chosen == {0: CELLS[3], 3: CELLS[0]}


def test_without_a_general_pick_only_the_faces_named() -> None:
    assert choose(FACES, None, ["3:n=100,seed=0"]) == {3: CELLS[0]}


def test_a_sweep_of_one_cell_needs_no_pick() -> None:
    assert choose({0: CELLS[:1]}, None, []) == {0: CELLS[0]}


@pytest.mark.parametrize(
    ("pick", "by_face", "said"),
    [
        ("n=200,seed=0", [], "no cell n=200,seed=0; the cells there are: n 100, 300; seed 0, 2"),
        ("n=300", [], "n=300 fits 2 cells; they differ in seed 0, 2"),
        (None, [], "fits 4 cells; they differ in n 100, 300; seed 0, 2"),
        ("eta=0.1", [], "no cell eta=0.1"),
        ("estimator=lama", [], "no cell estimator=lama"),
        ("m=300", [], "not 'm=300'"),
        ("n=", [], "not 'n='"),
        ("n=x", [], "not 'n=x'"),
        ("n=100,n=300", [], "not 'n=300'"),
        ("", [], "--pick takes"),
        (None, ["1:n=100"], "no face 1: its faces are 0, 3"),
        (None, ["n=100"], "--face takes"),
        (None, ["0:"], "--face takes"),
        (None, ["0:n=100"], "For face 0, n=100 fits 2"),
    ],
)
def test_what_fits_nothing_or_too_much_names_the_cells(
    pick: str | None, by_face: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        choose(FACES, pick, by_face)
    assert said in refused.value.message
    assert "--pick" in refused.value.hint
