"""Where fetched weights lie, and how files get there: whole or not at all, one writer at a time."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from difface_cli.base.errors import OutputError
from difface_cli.weights.registry import Weights

HOME = "DIFFACE_HOME"
UNWRITABLE = {
    getattr(errno, name, None)
    for name in ("EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOSPC", "EDQUOT", "EFBIG")
} - {None}


def home() -> Path:
    """The folder of everything fetched: `DIFFACE_HOME`, or `difface` in the user's cache."""
    if named := os.environ.get(HOME):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "difface"


def converted(weights: Weights) -> Path:
    """Where the fetched form of these weights lies, if it is here.

    Network and parameters are part of the name: a user's block of the same name but another
    network neither finds nor overwrites the built-in one's file.
    """
    described = json.dumps([weights.network, plain(weights.params)], sort_keys=True)
    digest = hashlib.sha256(described.encode()).hexdigest()[:8]
    return home() / "weights" / f"{weights.name}-{digest}.safetensors"


def plain(value: object) -> object:
    """Mappings and sequences of any kind as the dicts and lists that JSON knows."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock of this name; another process waits, and goes on if this one is killed.

    Raises:
        OutputError: when the folder cannot be written to.
    """
    from filelock import FileLock

    folder = home() / "locks"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` at the end, and only when all is well.

    Raises:
        OutputError: when it cannot be written: a full disk, a folder that is read-only.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            with part.open("rb+") as f:
                os.fsync(f.fileno())
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what killed processes left of `path`; only under its lock."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure of the disk into an OutputError that names `path`."""
    try:
        yield
    except OSError as e:
        raise unwritable(path, e) from None


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error of a file that cannot be written, to be raised."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = f"Make room on this disk, or set {HOME} to a folder on another one."
    else:
        hint = f"Set {HOME} to a folder that you can write to."
    return OutputError(f"{path} cannot be written: {reason}.", hint)
