"""Folders of portraits with the place of the face in each, read when they are needed."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from difface_cli.base.errors import ImageError
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.resample import Array, Floats, apply, resizing
from difface_cli.images.reading import FORMATS

MANIFEST = "manifest.json"
WHOLE = "whole"
LONGEST = 512  # side of a portrait in memory, pixels
KEPT = 128  # portraits in memory
ALIGNED_BOX = (120.7, 97.4, 393.1, 466.1)
"""Of an aligned face, pixels of 512: the mean over 1,305 portraits brought to the template."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture with one face.

    Attributes:
        pixels: h×w×3 uint8 RGB.
        box: (4,) x0, y0, x1, y1, pixels.
        landmarks: 5×2: left eye, right eye, nose, left and right corner of the mouth, left and
            right as seen in the picture.
    """

    pixels: Array
    box: Floats
    landmarks: Floats

    @property
    def width(self) -> float:
        """Of the face."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Of the face."""
        return float(self.box[3] - self.box[1])


class Album:
    """Portraits by number; paths and places of faces are kept in memory, few of the pictures.

    Attributes:
        paths: of all pictures.
        marks: n×14 float32, box and landmarks in each file's own pixels.
        entries: what the manifest says of each, for `balance.weights`.
        bad: numbers of files found to be no pictures, so far.

    Raises:
        ImageError: when there is no picture.
    """

    def __init__(
        self, paths: Sequence[Path], marks: Floats, entries: Sequence[Mapping[str, Any]]
    ) -> None:
        self.paths, self.marks, self.entries = paths, marks, entries
        self.bad: set[int] = set()
        self._kept: OrderedDict[int, Portrait] = OrderedDict()
        if not paths:
            raise ImageError("There is no portrait to learn from.", "Name a folder with --data.")

    @classmethod
    def of(cls, split: str, *folders: Path) -> Album:
        """The portraits of `split` in folders, each told of in its manifest.json.

        A folder holds whole/ID.jpg, and the manifest the place of each face (box, landmarks5); or
        it holds SPLIT/ID.jpg at 512×512, aligned to the FFHQ template, which tells the place.

        Raises:
            ImageError: when a manifest is missing, damaged, or names none of this split.
        """
        parts = [_listed(folder, split) for folder in folders]
        return cls(
            [path for paths, _, _ in parts for path in paths],
            np.concatenate([marks for _, marks, _ in parts]),
            [entry for _, _, entries in parts for entry in entries],
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Portrait:
        """Portrait `number`; in the place of a file that cannot be read the next one that can.

        The bad file is named once in the log.

        Raises:
            ImageError: when not one file can be read.
        """
        for place in ((number + k) % len(self) for k in range(len(self))):
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
            if place in self.bad:
                continue
            try:
                portrait = read(self.paths[place], self.marks[place])
            except Exception as error:  # damaged data makes the decoders raise nearly anything
                self.bad.add(place)
                log.warning("%s is skipped: %s", self.paths[place], error)
                continue
            self._kept[place] = portrait
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return portrait
        raise ImageError("None of the portraits can be read.", "Name another folder with --data.")


def read(path: Path, marks: Floats) -> Portrait:
    """The portrait in a file, shrunk to `LONGEST` where it is larger.

    Args:
        marks: (14,) box and landmarks in the file's pixels.
    """
    with Image.open(path, formats=FORMATS) as file:
        full = file.size[::-1]
        file.draft("RGB", (LONGEST, LONGEST))  # JPEGs decode faster at a half or a quarter
        picture = file.convert("RGB")
    if max(picture.size) > LONGEST:
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    pixels = np.array(picture)
    points = apply(resizing(full, pixels.shape), marks.reshape(7, 2)).astype(np.float32)
    return Portrait(pixels, points[:2].reshape(4), points[2:])


def _listed(folder: Path, split: str) -> tuple[list[Path], Floats, list[dict[str, Any]]]:
    """Paths, marks and entries of a folder's split, see `Album.of`."""
    path = folder / MANIFEST
    hint = "A detector learns from whole/ID.jpg and manifest.json (id, split, box, landmarks5)."
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        chosen = [entry for entry in entries if entry["split"] == split]
        aligned = (folder / split).is_dir() and not (folder / WHOLE).is_dir()
        place = folder / (split if aligned else WHOLE)
        paths = [place / f"{entry['id']}.jpg" for entry in chosen]
        marks = _marks(_aligned(entry) if aligned else _told(entry) for entry in chosen)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.", hint) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ImageError(f"{path} is no list of portraits: {error!r}.", hint) from None
    if not paths:
        raise ImageError(f"{path} names no portrait of the split {split!r}.", hint)
    return paths, marks, chosen


def _marks(rows: Iterable[Sequence[float]]) -> Floats:
    """n×14, of which no box is empty."""
    with np.errstate(over="ignore"):  # what becomes infinite is refused below
        marks = np.array(list(rows), np.float32).reshape(-1, 14)
    boxes = marks[:, :4]
    if not np.isfinite(marks).all() or not (boxes[:, :2] < boxes[:, 2:]).all():
        raise ValueError("a box or landmark is out of order")
    return marks


def _told(entry: Mapping[str, Any]) -> list[float]:
    return [*entry["box"], *np.ravel(entry["landmarks5"])]


def _aligned(entry: Mapping[str, Any]) -> list[float]:
    """Where the template has the face; the nose where the entry's `yaw` says.

    yaw is how far the nose lies off the middle of the eyes, as a share of their distance.
    """
    landmarks = np.array(FFHQ_TEMPLATE_512)
    left, right = landmarks[:2, 0]
    landmarks[2, 0] = (left + right) / 2 + float(entry.get("yaw", 0)) * (right - left)
    return [*ALIGNED_BOX, *landmarks.ravel()]
