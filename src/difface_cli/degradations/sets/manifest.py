"""The manifest of a set: a line of JSON for each picture, enough to make it again.

`scale` is eq. 17's factor at 512 pixels, as are the other keys its parameters; they are null for
a picture that was left sharp. Names of files use "/" and are relative to the folder that the
picture came from (`file`), or to the manifest's own (`outputs`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from difface_cli import __version__
from difface_cli.base.errors import UsageError
from difface_cli.degradations import Degradation, OldPhoto, masks
from difface_cli.degradations.sets.treatment import MAX_SIZE, MIN_SIZE, Treatment

NAME = "manifest.jsonl"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "float": (int, float),
    "int": int,
    "int | None": (int, type(None)),
    "bool": bool,
    "str": str,
    "str | None": (str, type(None)),
}
NUMBERS = ("float", "int", "int | None")
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        file: the picture that was degraded, within its folder.
        sha256: of its bytes.
        outputs: "picture", "mask", "holed" → files.
    """

    file: str
    sha256: str
    treatment: Treatment
    outputs: Mapping[str, str]


def dump(entries: Sequence[Entry]) -> bytes:
    """The manifest file of these pictures, in the order of their names."""
    ordered = sorted(entries, key=lambda entry: entry.file)
    return "".join(json.dumps(_line(entry)) + "\n" for entry in ordered).encode()


def load(path: Path) -> dict[str, Entry]:
    """The entries of a manifest by the names of their pictures.

    Raises:
        UsageError: when it cannot be read, or a line is not what `dump` writes.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8 text"
        raise UsageError(f"The manifest {path} cannot be read: {reason}.", "Check it.") from None
    entries = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = _entry(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError) as e:
            problem = f"{e} is missing" if isinstance(e, KeyError) else str(e)
            raise UsageError(
                f"Line {number} of {path} describes no degraded picture: {problem}.",
                "Give a manifest that difface degrade wrote.",
            ) from None
        entries[entry.file] = entry
    return entries


def _line(entry: Entry) -> dict[str, Any]:
    done = entry.treatment
    drawn = asdict(done.degradation) if done.degradation else {}
    eq17 = {field.name: drawn.get(field.name) for field in fields(Degradation)}
    noise_seed = eq17.pop("seed")
    return {
        "file": entry.file,
        "sha256": entry.sha256,
        "recipe": done.recipe,
        "seed": done.seed,
        "size": done.size,
        **eq17,
        "noise_seed": noise_seed,
        "extras": asdict(done.age),
        "mask": done.mask,
        "mask_seed": done.mask_seed,
        "outputs": dict(entry.outputs),
        "difface": __version__,
    }


def _entry(line: Any) -> Entry:
    """The opposite of `_line`; ValueError, TypeError or KeyError for what it never gives."""
    sharp = _object(line)["scale"] is None
    eq17 = None if sharp else _record(Degradation, line | {"seed": line["noise_seed"]})
    age = _record(OldPhoto, _object(line["extras"]))
    treatment = _record(Treatment, line | {"degradation": eq17, "age": age})
    if treatment.mask is not None and treatment.mask not in masks.KINDS:
        raise ValueError(f"there are no masks called {treatment.mask!r}")
    if treatment.mask_seed < 0:
        raise ValueError("mask_seed is negative")
    if treatment.size is not None and not MIN_SIZE <= treatment.size <= MAX_SIZE:
        raise ValueError(f"size is {treatment.size}")
    file = PurePosixPath(str(line["file"]))
    if file.is_absolute() or ".." in file.parts or not file.name:
        raise ValueError(f"{str(file)!r} lies outside its folder")
    return Entry(str(line["file"]), str(line["sha256"]), treatment, _object(line["outputs"]))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no JSON object")
    return value


def _record(kind: type[T], values: Mapping[str, Any]) -> T:
    """A record of the values of its fields, each of the type that the field has."""
    found = {}
    for field in fields(kind):  # type: ignore[arg-type]  # T is a dataclass
        value = values[field.name]
        allowed = TYPES.get(str(field.type), object)
        truth = isinstance(value, bool) and str(field.type) in NUMBERS  # a bool is an int, too
        if truth or not isinstance(value, allowed):
            raise TypeError(f"{field.name} is {value!r}")
        found[field.name] = value
    return kind(**found)
