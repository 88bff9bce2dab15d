"""The entry points that name plugins in this environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

GROUP = "difface.plugins"
BUILT_IN = "difface-cli"


@dataclass(frozen=True)
class Plugin:
    """One entry point and what became of it.

    Attributes:
        name: of the entry point.
        distribution, version: of the package that declares it.
        value: the module or object it points to.
        error: why it was skipped, in one line; None when its commands are there.
    """

    name: str
    distribution: str
    version: str
    value: str
    error: str | None = None


def discover() -> Iterator[Plugin]:
    """Every entry point of the group in this environment, nothing imported yet."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        # Only the few packages that name the group get their metadata parsed: that is slow.
        try:
            declared = GROUP in (distribution.read_text("entry_points.txt") or "")
        except ValueError:
            continue  # another package's file, and not even text
        if declared:
            name, version = _identity(distribution)
            if name not in seen:  # the first on the path is the one that Python imports
                seen.add(name)
                yield from _declared(distribution, name, version)


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or "unknown", distribution.version or "unknown"
    except Exception:  # half-removed packages have no METADATA
        return "unknown", "unknown"


def _declared(distribution: metadata.Distribution, name: str, version: str) -> Iterator[Plugin]:
    try:
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
    except Exception as error:
        reason = f"its entry_points.txt is damaged ({one_line(error)})"
        entries = []
        yield Plugin(name, name, version, "entry_points.txt", reason)
    for entry in entries:
        yield Plugin(entry.name, name, version, entry.value)


def one_line(error: BaseException) -> str:
    """What an exception says, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
