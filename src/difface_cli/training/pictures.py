"""A folder of pictures, any number and any size, read when they are needed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from difface_cli.base.errors import ImageError
from difface_cli.images.reading import FORMATS

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
Pixels = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)


class Pictures:
    """Pictures of one size, by number; only paths are kept in memory.

    Attributes:
        paths: of all files, sorted.
        bad: files found to be no pictures, so far.

    Raises:
        ImageError: for a folder that is missing or holds no picture.
    """

    def __init__(self, paths: Iterable[Path], size: int) -> None:
        self.paths = sorted(paths)
        self.size = size
        self.bad: set[Path] = set()
        self._decoded: Pixels | None = None
        if not self.paths:
            raise ImageError("There is no picture to learn from.", "Name a folder with --data.")

    @classmethod
    def of(cls, size: int, *folders: Path) -> Pictures:
        """The pictures of folders and their subfolders, known by their suffix."""
        for folder in folders:
            if not folder.is_dir():
                raise ImageError(f"There is no folder {folder}.", "Name another with --data.")
        files = (path for folder in folders for path in folder.rglob("*"))
        return cls((p for p in files if p.suffix.lower() in SUFFIXES and p.is_file()), size)

    def decode(self) -> None:
        """Read all pictures now and keep them: n·3·size² bytes, shared with forked processes."""
        decoded = np.empty((len(self), self.size, self.size, 3), np.uint8)

        def read(number: int) -> None:
            decoded[number] = self[number]

        with ThreadPoolExecutor() as pool:
            list(pool.map(read, range(len(self))))
        self._decoded = decoded

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Pixels:
        """Picture `number`, size×size×3, its middle square where it is not square.

        In the place of a file that cannot be read stands the next one that can; the bad file is
        named once in the log.

        Raises:
            ImageError: when not one file can be read.
        """
        if self._decoded is not None:
            kept: Pixels = self._decoded[number]
            return kept
        for path in (self.paths[(number + k) % len(self)] for k in range(len(self))):
            if path in self.bad:
                continue
            try:
                return square(path, self.size)
            except Exception as error:  # damaged data makes the decoders raise nearly anything
                self.bad.add(path)
                log.warning("%s is skipped: %s", path, error)
        raise ImageError("None of the pictures can be read.", "Name another folder with --data.")


def square(path: Path, size: int) -> Pixels:
    """The middle square of a file, size×size×3."""
    with Image.open(path, formats=FORMATS) as file:
        file.draft("RGB", (2 * size, 2 * size))  # JPEGs decode faster at a half or a quarter
        picture = ImageOps.exif_transpose(file).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    filter = Image.Resampling.BOX if side % size == 0 else Image.Resampling.LANCZOS
    return np.asarray(picture.resize((size, size), filter, box))
