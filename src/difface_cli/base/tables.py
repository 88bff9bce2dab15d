"""TOML tables and records, read key by key, so that complaints name file, table and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from difface_cli.base.errors import DifFaceError, RecordError, RegistryError

LARGEST = 1 << 62  # of a record's numbers, either way
LONGEST_TEXT = 4096  # as long as a path can be
REQUIRED: Any = object()  # the default of a key that must be there


class Table:
    """One table of a TOML file.

    The readers return a key's value, or raise RegistryError when it is missing without a default,
    of the wrong type, or outside what is allowed. `end` refuses the keys nobody read.
    """

    def __init__(self, path: Path, name: str, values: Mapping[str, Any]) -> None:
        self.path, self.name, self.values = path, name, values
        self.seen: set[str] = set()

    @classmethod
    def of_file(cls, path: Path) -> Table:
        """The top level of a file.

        Raises:
            RegistryError: when it is missing, cannot be read, or is not TOML.
        """
        try:
            return cls(path, "", tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RegistryError(f"{path} does not exist.", "Check its path.") from None
        except OSError as e:
            raise RegistryError(f"{path} cannot be read: {e.strerror}.", "Check it.") from None
        except (ValueError, RecursionError) as e:  # RecursionError: tables in tables without end
            raise RegistryError(f"{path} is not TOML: {e}.", "Correct the file.") from None

    def error(self, key: str | None, problem: str) -> DifFaceError:
        """The complaint about a key of this table, to be raised."""
        place = f"[{self.name}]" if self.name else "the top level"
        what = f" {key}" if key else ""
        return RegistryError(f"{self.path}: in {place},{what} {problem}.", "Correct this entry.")

    def value(self, key: str, kind: type | tuple[type, ...], default: Any = REQUIRED) -> Any:
        """A value of this type."""
        self.seen.add(key)
        value = self.values.get(key, default)
        if value is REQUIRED:
            raise self.error(key, "is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(key, f"has the wrong type ({type(value).__name__})")
        return value

    def text(self, key: str, default: Any = REQUIRED) -> str:
        """A string, not empty unless the default is."""
        value: str = self.value(key, str, default)
        if not value and default is REQUIRED:
            raise self.error(key, "is empty")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: Any = REQUIRED) -> str:
        """One of the given strings."""
        value = self.text(key, default)
        if value not in choices:
            raise self.error(key, f"is {value!r} and not one of {', '.join(choices)}")
        return value

    def pattern(self, key: str, regex: str, meaning: str, required: bool = False) -> str:
        """A string that the whole pattern matches, or an empty one."""
        value = self.text(key, REQUIRED if required else "")
        if value and not re.fullmatch(regex, value):
            raise self.error(key, f"is not {meaning}")
        return value

    def real(self, key: str, default: float, low: float, high: float) -> float:
        """A number from low to high."""
        value: float = self.value(key, (int, float), default)
        if not low <= value <= high:
            raise self.error(key, f"is {value} and not {low} to {high}")
        return value

    def number(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        self.value(key, int, default)
        return int(self.real(key, default, low, high))

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        self.seen.add(key)
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "is neither true nor false")
        return value

    def numbers(
        self, key: str, default: Sequence[float], low: float, high: float
    ) -> tuple[float, ...]:
        """A list of numbers from low to high."""
        values = self.value(key, (list, tuple), default)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise self.error(key, "holds something that is no number")
            if not low <= value <= high:
                raise self.error(key, f"holds {value}, which is not {low} to {high}")
        return tuple(values)

    def table(self, key: str) -> Self:
        """The table inside this one, an empty one where there is none."""
        name = f"{self.name}.{key}" if self.name else key
        return type(self)(self.path, name, self.value(key, dict, {}))

    def tables(self, key: str) -> list[tuple[str, Self]]:
        """The named tables inside the table `key`, by name."""
        entries = []
        for name, values in self.value(key, dict, {}).items():
            if not isinstance(values, dict):
                raise self.error(f"{key}.{name}", "is no table")
            entries.append((name, type(self)(self.path, f"{key}.{name}", values)))
        return entries

    def array(self, key: str) -> list[Self]:
        """The tables of a list with at least one."""
        entries = self.value(key, list)
        if not entries:
            raise self.error(key, "is empty")
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, "must hold tables")
        name = f"{self.name}.{key}"
        return [type(self)(self.path, f"{name}[{i}]", entry) for i, entry in enumerate(entries)]

    def end(self) -> None:
        """Refuse keys that nobody asked for: a typing error must not pass unseen."""
        unknown = sorted(set(self.values) - self.seen)
        if unknown:
            raise self.error(unknown[0], "is no key known here")


class RecordTable(Table):
    """A table of a record; what is wrong with it is a RecordError."""

    def error(self, key: str | None, problem: str) -> RecordError:
        """The complaint about a key, to be raised."""
        where = ".".join(part for part in (self.name, key) if part)
        return RecordError(
            f"The record {self.path} cannot be repeated: {where or 'it'} {problem}.",
            "Give the NAME.json that lies beside a result, unchanged.",
        )

    def typed(self, key: str, like: Any) -> Any:
        """The value, of the kind of `like`, and `like` itself where there is none."""
        if isinstance(like, bool):
            return self.flag(key, like)
        if isinstance(like, int):
            return self.number(key, like, -LARGEST, LARGEST)
        if isinstance(like, float):
            return self.real(key, like, -LARGEST, LARGEST)
        return self.short(key, like)

    def short(self, key: str, default: Any = REQUIRED) -> str:
        """A string of no more than a path's length, without null bytes."""
        text = self.text(key, default)
        if len(text) > LONGEST_TEXT or "\0" in text:
            raise self.error(key, "is no sensible text")
        return text

    def strings(self, key: str, pattern: str, meaning: str) -> Mapping[str, str]:
        """A table whose values are strings that the whole pattern matches."""
        values = self.value(key, dict, {})
        for name, value in values.items():
            if not isinstance(value, str) or not re.fullmatch(pattern, value):
                raise self.error(f"{key}.{name[:40]}", f"is not {meaning}")
        return MappingProxyType(dict(values))
