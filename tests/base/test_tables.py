"""TOML read key by key: right values pass, every wrong one is told by file, table and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from difface_cli.base.errors import RegistryError
from difface_cli.base.tables import Table


def table(**values: Any) -> Table:
    return Table(Path("a.toml"), "t", values)


def test_right_values_pass() -> None:
    given = table(s="x", i=3, f=0.5, c="b", p="ff", n={"one": {}}, a=[{"k": 1}])
    assert given.text("s") == "x"
    assert given.number("i", 0, 0, 9) == 3
    assert given.real("f", 0, 0, 1) == 0.5
    assert given.choice("c", ("a", "b")) == "b"
    assert given.pattern("p", "[0-9a-f]+", "hexadecimal") == "ff"
    assert [name for name, _ in given.tables("n")] == ["one"]
    assert given.array("a")[0].number("k", 0, 0, 9) == 1
    given.end()


def test_defaults_stand_in() -> None:
    assert table().text("s", "d") == "d"
    assert table().number("i", 7, 0, 9) == 7
    assert table().pattern("p", "x+", "x") == ""
    assert table().tables("n") == []


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (lambda t: t.text("k"), {}),
        (lambda t: t.text("k"), {"k": ""}),
        (lambda t: t.text("k"), {"k": 3}),
        (lambda t: t.number("k", 0, 0, 9), {"k": 10}),
        (lambda t: t.number("k", 0, 0, 9), {"k": 1.5}),
        (lambda t: t.number("k", 0, 0, 9), {"k": True}),
        (lambda t: t.real("k", 0, 0, 1), {"k": "1"}),
        (lambda t: t.real("k", 0, 0, 1), {"k": float("nan")}),
        (lambda t: t.choice("k", ("a",)), {"k": "b"}),
        (lambda t: t.pattern("k", "a+", "a"), {"k": "ab"}),
        (lambda t: t.pattern("k", "a+", "a", True), {}),
        (lambda t: t.tables("k"), {"k": {"x": 3}}),
        (lambda t: t.array("k"), {"k": []}),
        (lambda t: t.array("k"), {"k": [3]}),
        (lambda t: t.end(), {"k": 3}),
    ],
)
def test_wrong_values_are_told(read: Any, values: dict[str, Any]) -> None:
    with pytest.raises(RegistryError, match=r"a\.toml: in \[t\], k") as caught:
        read(table(**values))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"a = " + b"[" * 10**5, "is not TOML"),
        (b"a = 1" + b"0" * 5000, "is not TOML"),
        (None, "does not exist"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RegistryError, match=problem):
        Table.of_file(path)
    with pytest.raises(RegistryError, match="cannot be read"):
        Table.of_file(tmp_path)
