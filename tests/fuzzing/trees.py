"""JSON-like values with something wrong in them, and the texts they are written as."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

NASTY: tuple[Any, ...] = (
    *(None, True, False, "", "x", "../x", "/dev/zero", "\0", "a\nb", "é" * 300, "-", "nan"),
    *(0, 1, -1, 7, 10**6, 2**31, 2**63, -(2**63), 10**30, 10**400),
    *(0.5, -0.0, 1e-320, 1e308, math.nan, math.inf, -math.inf),
    *([], {}, [[]], [None], [1, "a"], [0] * 5, {"a": 1}, [[1, 2], [3]], ["../../x"]),
)
ABSENT = object()


@st.composite
def wrong(draw: st.DrawFn, trees: tuple[Any, ...]) -> Any:
    """One of `trees`, with one to three of its values replaced, removed or taken twice."""
    tree = copy.deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, 3))):
        tree = _changed(draw, tree)
    return tree


def _changed(draw: st.DrawFn, tree: Any) -> Any:
    places = list(_places(tree))
    if not places:
        return copy.deepcopy(draw(st.sampled_from(NASTY)))
    container, key = draw(st.sampled_from(places))
    value = draw(st.one_of(st.sampled_from(NASTY), st.sampled_from([ABSENT, "deep", "extra"])))
    if value is ABSENT:
        del container[key]
    elif value == "deep":
        container[key] = _nested(draw(st.sampled_from([50, 3000])))
    elif value == "extra" and isinstance(container, dict):
        container[draw(st.sampled_from(["extra", "", "../y", "a b"]))] = copy.copy(container[key])
    else:
        container[key] = copy.deepcopy(value)
    return tree


def _places(tree: Any, depth: int = 20) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    if not depth or not isinstance(tree, (dict, list)):
        return
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        yield from _places(tree[key], depth - 1)


def _nested(depth: int) -> Any:
    inner: Any = []
    for _ in range(depth):
        inner = [inner]
    return inner


def as_json(tree: Any) -> bytes:
    """JSON with Python's NaN and Infinity; deeply nested lists are written by hand."""
    try:
        return json.dumps(tree).encode()
    except (RecursionError, ValueError):  # ValueError: a number of too many digits
        return b"[" * 100_000


def as_toml(tree: Any) -> bytes:
    """A TOML file of inline tables."""
    if not isinstance(tree, dict):
        return as_json(tree)
    try:
        return "".join(
            f"{json.dumps(key)} = {_toml(value)}\n" for key, value in tree.items()
        ).encode()
    except (RecursionError, ValueError):
        return b"a = " + b"[" * 100_000


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return '"none"' if value is None else json.dumps(value)


def edited(*wholes: bytes) -> st.SearchStrategy[bytes]:
    """Bytes with a few of them replaced, half of the time near the front, or cut."""
    return st.builds(
        _edit,
        st.sampled_from(wholes),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.booleans(), PATCHES), max_size=4),
        st.one_of(st.none(), st.none(), st.floats(0, 1)),
    )


PATCHES = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\1"]),
)
FRONT = 120


def _edit(whole: bytes, edits: list[tuple[float, bool, bytes]], cut: float | None) -> bytes:
    data = bytearray(whole)
    for where, in_front, patch in edits:
        at = int(where * (min(FRONT, len(data)) if in_front else len(data)))
        data[at : at + len(patch)] = patch
    return bytes(data if cut is None else data[: int(cut * len(data))])


def json_files(*trees: Any) -> st.SearchStrategy[bytes]:
    """JSON files with one of these in them, spoiled."""
    return st.one_of(wrong(trees).map(as_json), edited(*map(as_json, trees)))


def toml_files(*trees: Any) -> st.SearchStrategy[bytes]:
    """TOML files with one of these in them, spoiled."""
    return st.one_of(wrong(trees).map(as_toml), edited(*map(as_toml, trees)))
