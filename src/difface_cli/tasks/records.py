"""What the stages hand on: faces found, faces cut out, faces drawn, photos restored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.trust.auto_n import Start
from difface_cli.trust.choosing import Choice
from difface_cli.trust.measures import Trust

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """A face of a photo and what was decided about it.

    Attributes:
        index: its number in the photo, 0 the largest.
        skipped: why it is left as it is; empty for a face that is restored.
        choice: which sample was kept, where one was chosen; samples and seeds begin with it.
        seeds: of its noise, one for each time it is drawn; filled in when it is restored.
        doubt: what speaks against restoring it, where it is restored all the same.
        trust: what was measured of it once it was drawn.
    """

    index: int
    face: Face
    skipped: str = ""
    seeds: tuple[int, ...] = ()
    choice: Choice | None = None
    doubt: str = ""
    trust: Trust | None = None


@dataclass(frozen=True)
class Crops:
    """One face through the method, s×s×3 in [0, 1]: as found, estimated, and restored samples.

    Attributes:
        start: where its chain started, where that was chosen for it.
    """

    index: int
    original: Array
    estimate: Array
    restored: tuple[Array, ...]
    start: Start | None = None


@dataclass(frozen=True)
class Prepared:
    """A photo that waits for the networks.

    Attributes:
        found: its faces, with the seeds of those that are restored.
        crops: these, upright: index → s×s×3 in [0, 1].
        seconds: by stage: detect, align.
    """

    photo: Photo
    found: tuple[Found, ...]
    crops: Mapping[int, Array]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Drawn:
    """A photo's faces as the networks drew them.

    Attributes:
        seconds: by stage: estimate, denoise; its share of calls that took other photos' faces too.
    """

    crops: tuple[Crops, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Restoration:
    """What came of one photo.

    Attributes:
        photos: the restored photo, one a sample.
        gray: whether restored faces were made grey.
        seconds: by stage: detect, align, estimate, denoise, judge, enlarge, paste.
    """

    photos: tuple[Photo, ...]
    faces: tuple[Found, ...]
    crops: tuple[Crops, ...]
    gray: bool
    seconds: MappingProxyType[str, float]


class Clock:
    """Seconds by stage: `with clock("detect"): …` adds to `clock.seconds["detect"]`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure a block."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
