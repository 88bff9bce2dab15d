"""Lists as users write them."""

from __future__ import annotations

import pytest

from difface_cli.base.errors import UsageError
from difface_cli.cli import values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("400", (400,)),
        ("100,200,400", (100, 200, 400)),
        ("100:600:100", (100, 200, 300, 400, 500, 600)),
        ("100:250:100", (100, 200)),
        ("0:3", (0, 1, 2, 3)),
        ("50, 100:200:50 ,100", (50, 100, 150, 200)),
        ("400,100", (400, 100)),
    ],
)
def test_whole_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert values.whole(text, "--n") == expected


def test_real_numbers_are_those_that_were_written() -> None:
    assert values.real("0:1:0.1", "--eta") == tuple(k / 10 for k in range(11))
    assert values.real("0.5,1", "--eta") == (0.5, 1.0)


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,,2", "a", "1:2:3:4", "1:", ":", "5:1", "1:5:0", "1:5:-1", "0.5", "inf", "1e3"],
)
def test_what_is_no_list_of_whole_numbers_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--n "):
        values.whole(text, "--n")


@pytest.mark.parametrize(
    "text", ["nan", "inf", "0:inf", "0:1:nan", "x", "1e9999999999999", "0:1e999999:1e-999999"]
)
def test_what_is_no_list_of_numbers_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--eta "):
        values.real(text, "--eta")


@pytest.mark.parametrize("text", ["0:1000000000000", "0:999,2000:2999"])
def test_endless_ranges_are_refused_before_they_fill_the_memory(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds has more than 1000 values"):
        values.whole(text, "--seeds")


def test_names() -> None:
    assert values.names("a, b,a", "--rows") == ("a", "b")
    with pytest.raises(UsageError, match="--rows"):
        values.names("a,,b", "--rows")


@pytest.mark.parametrize(("text", "size"), [("auto", 0), ("0", 0), ("8", 8)])
def test_a_batch_is_a_number_or_auto(text: str, size: int) -> None:
    assert values.batch(text) == size


@pytest.mark.parametrize("text", ["", "Auto", "1.5", "many", "1,2"])
def test_another_batch_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--batch takes auto or a number"):
        values.batch(text)


def test_n_is_a_timestep_auto_or_the_models_own() -> None:
    assert values.n(None) == (None, False)
    assert values.n(None, auto=True) == (None, True)
    assert values.n("150", auto=True) == (150, False)
    assert values.n("auto") == (None, True)
    with pytest.raises(UsageError, match="'many'"):
        values.n("many")
