"""`models.lock`: the hashes this machine relies on where nobody published one.

Two tables. `sources` is trust on first use: what a file without a published hash was when it was
first fetched. `files` says for each converted file what it is and what it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from difface_cli.base.errors import WeightsInvalid
from difface_cli.weights import places
from difface_cli.weights.registry import Source, Weights


@dataclass(frozen=True)
class Entry:
    """One converted file.

    Attributes:
        sha256, size: of the converted file.
        source, source_sha256: what it was made from.
    """

    sha256: str
    size: int
    source: str
    source_sha256: str


@dataclass(frozen=True)
class Lock:
    """All of `models.lock`: source → hash, and converted file's name → entry."""

    sources: Mapping[str, str]
    files: Mapping[str, Entry]

    def expected(self, source: Source) -> str:
        """The hash a source's file must have; empty when it is not known yet."""
        return source.sha256 or self.sources.get(str(source), "")

    def allows(self, weights: Weights, entry: Entry) -> bool:
        """Whether a converted file was made from what the registry names today."""
        return entry.source_sha256 in {self.expected(source) for source in weights.remote}


def path() -> Path:
    """Where it lies."""
    return places.home() / "models.lock"


def read() -> Lock:
    """What is recorded; empty before the first fetch.

    Raises:
        WeightsInvalid: when the file is damaged.
    """
    try:
        content = json.loads(path().read_text(encoding="utf-8"))
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        sources = {str(k): str(v) for k, v in content["sources"].items()}
    except (FileNotFoundError, NotADirectoryError):
        return Lock(MappingProxyType({}), MappingProxyType({}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise WeightsInvalid(
            f"{path()} cannot be read: {str(e)[:200]}.",
            "Delete it; the next fetch-weights writes it anew.",
        ) from None
    return Lock(MappingProxyType(sources), MappingProxyType(files))


def record(file: Path, entry: Entry, source: Source) -> None:
    """Note a converted file, and its source's hash where none is published.

    Raises:
        OutputError: when the file cannot be written.
    """
    with places.held("models.lock"):
        lock = read()
        if not source.sha256:
            lock = replace(lock, sources={**lock.sources, str(source): entry.source_sha256})
        lock = replace(lock, files={**lock.files, file.name: entry})
        content = {
            "sources": dict(sorted(lock.sources.items())),
            "files": {name: asdict(entry) for name, entry in sorted(lock.files.items())},
        }
        with places.whole(path()) as part:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
