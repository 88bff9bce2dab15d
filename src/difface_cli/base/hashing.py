"""The hash that files are told apart by."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256(path: Path) -> str:
    """The hash of a file's content, in hexadecimal; raises OSError as opening it does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
