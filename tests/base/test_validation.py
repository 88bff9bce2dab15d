"""TOML and JSON become dataclasses; what is wrong is told by file, table and key, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, Field

from difface_cli.base.errors import RecordError, RegistryError
from difface_cli.base.validation import REFUSED, Untold, matching, one_of, toml, validated

TOML = Path("a.toml")


@dataclass(frozen=True)
class Inner:
    whole: int = 0
    real: float = 0.0
    share: Annotated[float, Field(ge=0, le=1)] = 0.0

    def __post_init__(self) -> None:
        if self.whole > 9:
            raise ValueError("whole and its share are too many")


@dataclass(frozen=True)
class Outer:
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: Untold
    text: Annotated[str, Field(min_length=1)]
    flag: bool = False
    low: Annotated[int, Field(alias="small", ge=0)] = 0
    choice: Annotated[str, one_of("a", "b")] = "a"
    pattern: Annotated[str, matching("[0-9a-f]*", "hexadecimal")] = ""
    table: Inner = Inner()
    tables: tuple[Inner, ...] = ()
    named: Mapping[Annotated[str, one_of("x", "y")], Inner] = field(default_factory=dict)
    pair: tuple[float, float] = (0.0, 0.0)
    folder: Path = Path()
    type: str = ""  # a word of pydantic's own schemas, too
    given: Annotated[Mapping[str, str], REFUSED] = field(default_factory=dict)


def test_right_values_pass() -> None:
    values = {"text": "t", "flag": True, "small": 3, "choice": "b", "pattern": "ff", "folder": "f"}
    tables = {"table": {"whole": 1}, "tables": [{"real": 2}], "named": {"x": {"share": 1}}}
    made = validated(Outer, values | tables | {"pair": [0, 1.5], "type": "int"}, TOML)
    assert made == Outer(
        *("", "t", True, 3, "b", "ff", Inner(1), (Inner(real=2.0),), {"x": Inner(share=1.0)}),
        *((0.0, 1.5), Path("f"), "int"),
    )
    assert validated(Outer, {"text": "t"}, TOML) == Outer("", "t")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "text is missing"),
        ({"text": ""}, "text is empty"),
        ({"text": 3}, "text is 3 and should be text"),
        ({"name": "n"}, "name is no key known here"),
        ({"given": {}}, "given is no key known here"),
        ({"low": 3}, "low is no key known here"),
        ({"small": -1}, "small is -1 and should be greater than or equal to 0"),
        ({"small": "1"}, "small is '1' and should be a whole number"),
        ({"small": 1.0}, "small is 1.0 and should be a whole number"),
        ({"flag": 1}, "flag is 1 and should be true or false"),
        ({"choice": "c"}, "choice is 'c' and not one of a, b"),
        ({"pattern": "x"}, "pattern is 'x' and not hexadecimal"),
        ({"pattern": "f\n"}, r"pattern is 'f\n' and not hexadecimal"),
        ({"table": 3}, "table is 3 and should be a table"),
        ({"table": {"whole": True}}, "in [table], whole is True and should be a whole number"),
        ({"table": {"whole": 10}}, "in [table], whole and its share are too many"),
        ({"table": {"real": "1"}}, "in [table], real is '1' and should be a number"),
        ({"table": {"real": True}}, "in [table], real is True and should be a number"),
        ({"table": {"share": float("nan")}}, "in [table], share is nan and should be a finite"),
        ({"table": {"real": float("inf")}}, "in [table], real is inf and should be a finite"),
        ({"table": {"odd": 1}}, "in [table], odd is no key known here"),
        ({"tables": {}}, "tables is {} and should be a list"),
        ({"tables": [{}, 3]}, "tables[1] is 3 and should be a table"),
        ({"tables": [{"share": 2}]}, "in [tables[0]], share is 2 and should be less than or"),
        ({"named": {"x": {"a b": 1}}}, "in [named.x], a b is no key known here"),
        ({"named": {"z": {}}}, "in [named], a key is 'z' and not one of x, y"),
        ({"pair": [1]}, "pair[1] is missing"),
        ({"pair": [1, None]}, "pair[1] is None and should be a number"),
        ({"type": 3}, "type is 3 and should be text"),
        ({"folder": 3}, "folder is 3 and should be a path"),
        ({"a\nb": 3}, r"'a\nb' is no key known here"),
        ({"x" * 99: 1}, f"{'x' * 40} is no key known here"),
    ],
)
def test_wrong_values_are_told(values: dict[str, Any], told: str) -> None:
    with pytest.raises(RegistryError) as caught:
        validated(Outer, {"text": "t"} | values if values else {}, TOML)
    assert caught.value.message.startswith(f"a.toml: {told}")
    assert caught.value.hint == "Correct this entry."


def test_records_have_errors_and_hints_of_their_own() -> None:
    with pytest.raises(RecordError, match=r"^Line 3: whole is True and should be") as caught:
        validated(Inner, {"whole": True}, "Line 3", RecordError, "Give another.")
    assert caught.value.hint == "Give another."
    with pytest.raises(RecordError, match=r"^x\.json: it is \[3\] and should be a table\."):
        validated(Inner, [3], "x.json", RecordError)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(RegistryError) as caught:
        validated(Outer, {"text": [["deep"] * 500] * 500}, TOML)
    assert len(caught.value.message) < 400


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
        toml(path)
    with pytest.raises(RegistryError, match="cannot be read"):
        toml(tmp_path)
