"""What the stages hand on: photos seen, faces found, cut out, drawn, photos finished."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.tasks.holes import Holes
from difface_cli.trust.auto_n import Start
from difface_cli.trust.choosing import Choice
from difface_cli.trust.measures import Trust

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo as a task sees it.

    Attributes:
        photo: as it was read.
        view: what faces are looked for in and cut out of: holes bridged, colour dropped.
        sha256: of the photo's file; a face's noise follows from it.
        holes: those to be filled, where that is the task.
        idle: whether there is nothing to do, so that no face is looked for.
    """

    photo: Photo
    view: Photo
    sha256: str
    holes: Holes | None = None
    idle: bool = False


@dataclass(frozen=True, eq=False)
class Cut:
    """A face cut out upright.

    Attributes:
        face: s×s×3 in [0, 1]; what is to be drawn anew in it is 0.
        matrix: 2×3, from the photo to it.
        mask: s×s, 1 in holes and 0 where the face is known; None where there are no holes.
    """

    face: Array
    matrix: Matrix
    mask: Array | None = None


@dataclass(frozen=True)
class Found:
    """A face of a photo and what was decided about it.

    Attributes:
        index: its number in the photo, 0 the largest.
        skipped: why it is left as it is; empty for a face that is restored.
        seeds: of its noise, one for each time it is drawn; filled in when it is restored.
        choice: which sample was kept, where one was chosen; samples and seeds begin with it.
        doubt: what speaks against restoring it, where it is restored all the same.
        refused: sample → why that one is not pasted, though others are.
        trust: what was measured of the first sample.
        start: where its chain started, where that was chosen for it.
    """

    index: int
    face: Face
    skipped: str = ""
    seeds: tuple[int, ...] = ()
    choice: Choice | None = None
    doubt: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    trust: Trust | None = None
    start: Start | None = None


@dataclass(frozen=True)
class Crops:
    """One face through the method, s×s×3 in [0, 1]: as found, estimated, and drawn samples."""

    index: int
    original: Array
    estimate: Array
    restored: tuple[Array, ...]


@dataclass(frozen=True)
class Prepared:
    """A photo that waits for the networks.

    Attributes:
        found: its faces, with the seeds of those that are restored.
        cuts: these, upright, by index.
        seconds: by stage: look, detect, align.
    """

    scene: Scene
    found: tuple[Found, ...]
    cuts: Mapping[int, Cut]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Drawn:
    """A photo's faces as the networks drew them.

    Attributes:
        crops: of the faces that were drawn.
        starts: index → where the face's chain started, where that was chosen for it.
        doubts: index → what the estimate tells against restoring the face: why it was not drawn,
            unless it was forced.
        seconds: by stage: estimate, denoise; its share of calls that took other photos' faces too.
    """

    crops: tuple[Crops, ...]
    starts: Mapping[int, Start]
    doubts: Mapping[int, str]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """What came of one photo.

    Attributes:
        photos: the finished photo, one a sample; the photo itself where nothing was done to it.
        faces: all that were found.
        crops: of those that were restored.
        gray: whether restored faces were made grey.
        seconds: by stage: look, detect, align, estimate, denoise, judge, enlarge, paste.
    """

    scene: Scene
    photos: tuple[Photo, ...]
    faces: tuple[Found, ...]
    crops: tuple[Crops, ...]
    cuts: Mapping[int, Cut]
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
