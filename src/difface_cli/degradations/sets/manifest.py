"""The manifest of a set: a line of JSON for each picture, enough to make it again.

`scale` is eq. 17's factor at 512 pixels, as are the other keys its parameters; they are null for
a picture that was left sharp. Names of files use "/" and are relative to the folder that the
picture came from (`file`), or to the manifest's own (`outputs`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from difface_cli import __version__
from difface_cli.base.errors import UsageError
from difface_cli.base.validation import only, validated
from difface_cli.degradations import Degradation, OldPhoto
from difface_cli.degradations.sets.treatment import Treatment

NAME = "manifest.jsonl"
WRITTEN = "Give a manifest that difface degrade wrote."


def _inside(file: str) -> bool:
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and bool(path.name)


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        file: the picture that was degraded, within its folder.
        sha256: of its bytes.
        outputs: "picture", "mask", "holed" → files.
    """

    file: Annotated[str, only(_inside, "in its folder")]
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
        where = f"Line {number} of {path}"
        try:
            entry = _entry(json.loads(line), where)
        except KeyError as e:
            raise UsageError(f"{where}: {e.args[0]} is missing.", WRITTEN) from None
        except (ValueError, RecursionError):
            raise UsageError(f"{where} is no JSON.", WRITTEN) from None
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


def _entry(values: object, where: str) -> Entry:
    """The opposite of `_line`; KeyError for what is not there."""
    made = partial(validated, where=where, error=UsageError, hint=WRITTEN)
    line = made(dict[str, Any], values)
    eq17 = None
    if line["scale"] is not None:
        eq17 = made(Degradation, _all(Degradation, line | {"seed": line["noise_seed"]}))
    in_extras = partial(made, where=f"{where}, extras")
    age = in_extras(OldPhoto, _all(OldPhoto, in_extras(dict[str, Any], line["extras"])))
    treatment = made(Treatment, line | {"degradation": eq17, "age": age})
    entry: Entry = made(Entry, line | {"treatment": treatment})
    return entry


def _all(kind: type, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of every field, for a default would be another picture."""
    return {field.name: values[field.name] for field in fields(kind)}
