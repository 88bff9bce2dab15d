"""TOML and JSON, made into dataclasses by pydantic, which tells what is wrong in plain English."""

from __future__ import annotations

import re
import reprlib
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticKnownError, SchemaValidator

from difface_cli.base.errors import DifFaceError, RegistryError

T = TypeVar("T")
FIXED = "Correct this entry."
PROBLEMS: Mapping[str, str] = {
    "missing": "is missing",
    **dict.fromkeys(("unexpected_keyword_argument", "extra_forbidden"), "is no key known here"),
}
MEANT: Mapping[str, str] = {
    **dict.fromkeys(("dataclass_type", "model_type", "dict_type", "mapping_type"), "a table"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    "string_type": "text",
    "path_type": "a path",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def _refused(value: object) -> object:
    raise PydanticKnownError("extra_forbidden")


REFUSED = BeforeValidator(_refused)
"""Marks a field that is no key of the table: whoever reads the file fills it in."""
Untold = Annotated[str, Field(default=""), REFUSED]
"""Text that is no key of the table, empty until it is filled in."""


def toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        RegistryError: when it is missing, cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegistryError(f"{path} does not exist.", "Check its path.") from None
    except OSError as e:
        raise RegistryError(f"{path} cannot be read: {e.strerror}.", "Check it.") from None
    except (ValueError, RecursionError) as e:  # RecursionError: tables in tables without end
        raise RegistryError(f"{path} is not TOML: {e}.", "Correct the file.") from None


def validated(
    kind: type[T],
    values: object,
    where: Path | str,
    error: type[DifFaceError] = RegistryError,
    hint: str = FIXED,
) -> T:
    """A dataclass of the values that a file holds.

    Numbers must be numbers: "3" is none, true is none, and neither are NaN and infinity. Tables
    become dataclasses, lists become tuples, and text becomes paths, where a field asks for that.
    A ValueError of `__post_init__` or of a validator tells what is wrong with a whole table.

    Args:
        kind: a dataclass of the standard library, or a type made of such; what is a class of
            pydantic's own remains as strict as it says itself.
        where: the file, and perhaps the line, as the complaint begins.

    Raises:
        error: naming file, table and key of the first thing that is wrong, with `hint`.
    """
    try:
        made: T = _validator(kind).validate_python(values)  # type: ignore[arg-type]
    except ValidationError as e:
        (first, *_) = e.errors(include_url=False)
        raise error(f"{where}: {_sentence(first)}.", hint) from None
    return made


def only(fine: Callable[[str], object], meaning: str) -> AfterValidator:
    """Refuses all text but what is fine."""

    def check(value: str) -> str:
        if not fine(value):
            raise ValueError(f"is {reprlib.repr(value)} and not {meaning}")
        return value

    return AfterValidator(check)


def one_of(*choices: str) -> AfterValidator:
    """Refuses every other text."""
    return only(choices.__contains__, f"one of {', '.join(choices)}")


def matching(regex: str, meaning: str) -> AfterValidator:
    """Refuses text that the whole pattern does not match."""
    return only(re.compile(regex).fullmatch, meaning)


@cache
def _validator(kind: type) -> SchemaValidator:
    """Pydantic's own strict mode would take no table for a dataclass, and no list for a tuple."""
    return SchemaValidator(_strict(TypeAdapter(kind).core_schema))


def _strict(node: Any) -> Any:
    """A schema whose numbers are strict."""
    if isinstance(node, list):
        return [_strict(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("type")  # or what describes a field of that name
    own = {"strict": True} if kind in ("int", "float", "bool") else {}
    finite = {"allow_inf_nan": False} if kind == "float" else {}
    return {key: _strict(inner) for key, inner in node.items()} | own | finite


def _sentence(wrong: ErrorDetails) -> str:
    """Table, key and problem: "in [weights.x], bytes is missing"."""
    names: list[str] = []
    for part in wrong["loc"]:
        if isinstance(part, int) and names:
            names[-1] += f"[{part}]"
        else:
            name = str(part)[:40]
            names.append(name if name.isprintable() else repr(name))
    of_whole = wrong["type"] == "value_error" and isinstance(wrong["input"], Mapping)
    key = "" if of_whole else f"{names.pop() if names else 'it'} "
    if key == "[key] ":
        names, key = names[:-1], "a key "
    table = f"in [{'.'.join(names)}], " if names else ""
    return f"{table}{key}{_problem(wrong)}"


def _problem(wrong: ErrorDetails) -> str:
    kind, value = wrong["type"], wrong["input"]
    if kind in PROBLEMS:
        return PROBLEMS[kind]
    if kind == "value_error":  # one of our own
        return str(wrong["ctx"]["error"])
    if kind in ("string_too_short", "too_short") and not value:
        return "is empty"
    reason = f"should be {MEANT[kind]}" if kind in MEANT else wrong["msg"].partition(" ")[2]
    return f"is {reprlib.repr(value)} and {reason.replace(' after validation', '')}"
