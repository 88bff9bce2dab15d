"""What a target of the fuzzing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        cases: files' content, or text for what is no file.
        attempt: reads one case; the folder is empty and its own. It may end in a DifFaceError;
            anything else it raises is a fault of the program.
    """

    cases: st.SearchStrategy[Any]
    attempt: Callable[[Any, Path], object]


def put(folder: Path, name: str, data: bytes) -> Path:
    """A file of these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path
