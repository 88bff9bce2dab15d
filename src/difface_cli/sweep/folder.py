"""A sweep on disk: each finished cell in a file of its own, so that a sweep can be taken up again.

    sweep.json      what was swept, from what, and what came of it
    cells/          each cell's face: .safetensors holds it exactly, .png is to be looked at

A cell's file also holds its settings, its seconds, and the identity of photo and model. It counts
as finished when all that is what the present sweep would write there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from difface_cli import images
from difface_cli.base import atomic
from difface_cli.base.errors import OutputError
from difface_cli.images import Photo
from difface_cli.report import grids
from difface_cli.sweep import Cell, Done

Array = npt.NDArray[np.float32]

RECORD = "sweep.json"
CELLS = "cells"
SCHEMA = 1
UNREADABLE = (
    *(OSError, SafetensorError, KeyError, ValueError, TypeError, OutputError),
    RecursionError,  # lists in lists without end
)


@dataclass(frozen=True)
class Stored:
    """A finished cell: its data file, the picture to look at, the seconds it took."""

    cell: Cell
    data: Path
    picture: Path
    seconds: float

    def face(self) -> Array:
        """The restored face, s×s×3 in [0, 1], as it was computed."""
        return read_face(self.data)


class SweepFolder:
    """The folder of one photo's sweep.

    Attributes:
        path: the folder.
        identity: photo, weights and settings that all cells share, JSON-ready.
        estimators: name → hash of the weights. A later sweep may bring others.
    """

    def __init__(
        self, path: Path, identity: Mapping[str, Any], estimators: Mapping[str, str]
    ) -> None:
        self.path, self.identity, self.estimators = path, identity, estimators

    def fingerprint(self, cell: Cell) -> str:
        """A hash of all that bears on the cell, beside its own settings."""
        text = json.dumps([self.identity, self.estimators[cell.estimator]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def begin(self, *, overwrite: bool) -> None:
        """Make the folder ready: an empty one, or one where a sweep of this identity was begun.

        Args:
            overwrite: begin anew, whatever sweep is there.

        Raises:
            OutputError: for a folder of another sweep, or of other things.
        """
        if not any(self.path.iterdir()):
            return
        earlier = _identity_in(self.path)
        if earlier is None:
            raise OutputError(
                f"{self.path} is there already and holds no sweep.",
                "Choose another folder with -o.",
            )
        other = [key for key in self.identity if earlier.get(key) != self.identity[key]]
        if other and not overwrite:
            raise OutputError(
                f"{self.path} holds a sweep of another {_differing(other)}.",
                "Add --overwrite to begin it anew, or choose another folder with -o.",
            )
        if overwrite:
            self._clear()

    def finished(self, face: int, cell: Cell) -> Stored | None:
        """This cell of a face, where it was finished before."""
        data = self._data(face, cell)
        picture = data.with_suffix(".png")
        with suppress(*UNREADABLE), _opened(data) as file:
            record = json.loads(file.metadata()["record"])
            mine = record["fingerprint"] == self.fingerprint(cell)
            if mine and record["cell"] == asdict(cell) and picture.is_file():
                read_face(data)
                return Stored(cell, data, picture, float(record["seconds"]))
        return None

    def put(self, face: int, done: Done, shown: Array) -> Stored:
        """Keep a cell; its data comes last, and with it the cell counts as finished.

        Args:
            shown: the face as it is to be looked at, s×s×3 in [0, 1].
        """
        data = self._data(face, done.cell)
        data.parent.mkdir(exist_ok=True)
        picture = data.with_suffix(".png")
        write_picture(picture, grids.pixels(shown))
        seconds = round(done.seconds, 4)
        record = {
            "cell": asdict(done.cell),
            "seconds": seconds,
            "fingerprint": self.fingerprint(done.cell),
        }
        atomic.write(data, save({"face": done.face}, {"record": json.dumps(record)}))
        return Stored(done.cell, data, picture, seconds)

    def write_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Write sweep.json, and give all that stands in it."""
        whole = {"schema": SCHEMA, **record, "identity": self.identity}
        text = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
        atomic.write(self.path / RECORD, text.encode())
        return whole

    def _data(self, face: int, cell: Cell) -> Path:
        return self.path / CELLS / f"face{face}_{file_name(cell)}.safetensors"

    def _clear(self) -> None:
        """Take away the cells of another sweep, and nothing else."""
        for suffix in ("safetensors", "png"):
            for path in (self.path / CELLS).glob(f"face*_n*.{suffix}"):
                path.unlink()
        (self.path / RECORD).unlink()


def file_name(cell: Cell) -> str:
    """What tells a cell's files from those of the others."""
    return f"n{cell.n}_eta{cell.eta}_seed{cell.seed}_steps{cell.steps}_{cell.estimator}"


def write_picture(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write h×w×3 as a PNG."""
    atomic.write(path, images.encode(Photo(pixels), "PNG"))


def read_face(path: Path) -> Array:
    """A cell's face, s×s×3 in [0, 1].

    Raises:
        OutputError: when the file is missing or damaged.
    """
    try:
        with _opened(path) as file:
            face: Array = file.get_tensor("face")
    except (OSError, SafetensorError) as e:
        raise OutputError(
            f"The cell {path} cannot be read: {e}.", "Run difface sweep-n again."
        ) from None
    square = face.ndim == 3 and face.shape == (len(face), len(face), 3)
    if not square or face.dtype != np.float32 or not np.isfinite(face).all():
        raise OutputError(f"The cell {path} holds no face.", "Run difface sweep-n again.")
    return face


def read_record(folder: Path) -> dict[str, Any]:
    """The sweep.json of a folder.

    Raises:
        OutputError: when there is none, or it is not one that this version wrote.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the last: lists in lists without end
        record = None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise OutputError(
            f"{folder} holds no sweep that can be read.",
            "Name a folder that difface sweep-n made.",
        )
    return record


def _identity_in(folder: Path) -> dict[str, Any] | None:
    with suppress(OutputError):
        found = read_record(folder).get("identity")
        return found if isinstance(found, dict) else None
    return None


def _differing(keys: list[str]) -> str:
    return " and ".join(key.replace("_", " ") for key in keys)


def _opened(path: Path) -> Any:
    return safe_open(path, framework="numpy")
