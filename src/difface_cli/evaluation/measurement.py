"""Measure pairs one after the other in bounded memory, and keep every value.

Two things are measured: pairs, by functions of both pictures, and single pictures, by what a
network says of each (landmarks, features). Decoding and what needs no network run on threads,
a few pictures ahead; networks run in turn. What is kept already is not measured again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from difface_cli import images
from difface_cli.base.errors import DifFaceError, ImageError
from difface_cli.evaluation.cache import Cache, Vector, file_key
from difface_cli.evaluation.catalogue import VERSION
from difface_cli.evaluation.folders import Pair

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it is measured.

    Attributes:
        rgb: h×w×3 of 8 bits, as networks take it.
        values: h×w×3 in [0, 1], at the file's own depth.
    """

    rgb: Pixels
    values: Floats


OfPair = Callable[[Picture, Picture, Floats | None], float | None]
OfPicture = Callable[[Picture], Vector | None]


@dataclass(frozen=True)
class Instruments:
    """How things are measured, each by name.

    Attributes:
        quick: of a pair, without a network: run on threads.
        slow: of a pair, by a network.
        single: of one picture, by a network or slowly; None where there is nothing to measure.
        marks: name → what tells its weights from others.
        of_results: those of `single` that say nothing of a reference.
    """

    quick: Mapping[str, OfPair] = field(default_factory=lambda: MappingProxyType({}))
    slow: Mapping[str, OfPair] = field(default_factory=lambda: MappingProxyType({}))
    single: Mapping[str, OfPicture] = field(default_factory=lambda: MappingProxyType({}))
    marks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    of_results: frozenset[str] = frozenset()

    def what(self, name: str) -> str:
        """What values of this name are kept under."""
        return f"{name}/{VERSION}/{self.marks.get(name, '')}"


@dataclass(frozen=True)
class Keyed:
    """A pair and what its files were when they were measured."""

    pair: Pair
    restored: str
    reference: str = ""
    mask: str = ""

    @property
    def both(self) -> str:
        """The key of values that belong to the pair."""
        return " & ".join(key for key in (self.restored, self.reference, self.mask) if key)


@dataclass(frozen=True)
class _Prepared:
    restored: Picture
    reference: Picture | None
    mask: Floats | None
    quick: Mapping[str, float | None]


def measure(
    pairs: Sequence[Pair],
    instruments: Instruments,
    cache: Cache,
    complain: Callable[[Pair, DifFaceError], None],
    *,
    workers: int = 0,
    track: Callable[[Iterable[Pair]], Iterable[Pair]] = iter,
) -> list[Keyed]:
    """Measure all pairs that are not measured yet.

    Args:
        complain: told of a pair that cannot be measured; the others go on.
        workers: threads; 0 for one a core, four at most.
        track: sees the pairs go by.

    Returns:
        The pairs that are measured.
    """
    threads = workers or min(4, os.cpu_count() or 1)
    done: list[Keyed] = []
    with ThreadPoolExecutor(threads) as pool:
        ahead = _ahead(track(pairs), instruments, cache, pool, 2 * threads)
        for pair, keyed, future in ahead:
            try:
                if isinstance(keyed, DifFaceError):
                    raise keyed
                if future is not None:
                    _finish(keyed, future.result(), instruments, cache)
            except DifFaceError as error:
                complain(pair, error)
            else:
                done.append(keyed)
    cache.commit()
    return done


def read(path: Path) -> Picture:
    """A picture of any depth, in colour or grey.

    Raises:
        ImageError: see `images.read`.
    """
    photo = images.read(path)
    white = 255 if photo.depth == 8 else 65535
    values = photo.pixels.astype(np.float32) / np.float32(white)
    if photo.is_gray_file:
        values = np.repeat(values, 3, axis=2)
    return Picture(images.rgb8(photo), values)


_Step = tuple[Pair, Keyed | DifFaceError, "Future[_Prepared] | None"]


def _ahead(
    pairs: Iterable[Pair],
    instruments: Instruments,
    cache: Cache,
    pool: ThreadPoolExecutor,
    most: int,
) -> Iterator[_Step]:
    """The pairs in their order, `most` of them being read at a time."""
    waiting: deque[_Step] = deque()
    for pair in pairs:
        waiting.append(_begin(pair, instruments, cache, pool))
        if len(waiting) >= most:
            yield waiting.popleft()
    yield from waiting


def _begin(pair: Pair, instruments: Instruments, cache: Cache, pool: ThreadPoolExecutor) -> _Step:
    try:
        keyed = Keyed(pair, *(_key(path) for path in (pair.restored, pair.reference, pair.mask)))
    except ImageError as error:
        return pair, error, None
    missing = [
        name for name in _of_pair(instruments, pair) if not _has(keyed, name, instruments, cache)
    ]
    alone = any(_lacking(keyed, instruments, cache))
    if not missing and not alone:
        return pair, keyed, None
    quick = {name: instruments.quick[name] for name in missing if name in instruments.quick}
    return pair, keyed, pool.submit(_prepare, pair, quick)


def _key(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return file_key(path)
    except OSError as e:
        raise ImageError(f"{path} cannot be read: {e.strerror}.", "Check its path.") from None


def _of_pair(instruments: Instruments, pair: Pair) -> list[str]:
    return [] if pair.reference is None else [*instruments.quick, *instruments.slow]


def _has(keyed: Keyed, name: str, instruments: Instruments, cache: Cache) -> bool:
    return cache.number(keyed.both, instruments.what(name))[0]


def _lacking(keyed: Keyed, instruments: Instruments, cache: Cache) -> Iterator[tuple[str, str]]:
    """Keys of single pictures, and what is not known of them."""
    of_references = [name for name in instruments.single if name not in instruments.of_results]
    for key, names in ((keyed.restored, instruments.single), (keyed.reference, of_references)):
        for name in names if key else ():
            if not cache.vector(key, instruments.what(name))[0]:
                yield key, name


def _prepare(pair: Pair, quick: Mapping[str, OfPair]) -> _Prepared:
    """Read the pictures of a pair and measure what needs no network; runs on a thread."""
    restored = read(pair.restored)
    if pair.reference is None:
        return _Prepared(restored, None, None, {})
    reference = read(pair.reference)
    _same_size(pair.restored, restored, pair.reference, reference)
    mask: Floats | None = None
    if pair.mask is not None:
        hole = read(pair.mask)
        _same_size(pair.restored, restored, pair.mask, hole)
        mask = (hole.values.mean(axis=2) > 0.5).astype(np.float32)
    values = {name: measured(restored, reference, mask) for name, measured in quick.items()}
    return _Prepared(restored, reference, mask, values)


def _same_size(a: Path, first: Picture, b: Path, second: Picture) -> None:
    if first.rgb.shape != second.rgb.shape:
        sizes = [f"{p.rgb.shape[1]}x{p.rgb.shape[0]}" for p in (first, second)]
        raise ImageError(
            f"{a} has {sizes[0]} pixels, and {b} has {sizes[1]}.",
            "Only pictures of one size can be held against each other: make one like the other.",
        )


def _finish(keyed: Keyed, ready: _Prepared, instruments: Instruments, cache: Cache) -> None:
    """Keep what was measured on the thread, and measure what networks say."""
    for name, value in ready.quick.items():
        cache.keep(keyed.both, instruments.what(name), _finite(value))
    if ready.reference is not None:
        for name, of_pair in instruments.slow.items():
            if not _has(keyed, name, instruments, cache):
                value = of_pair(ready.restored, ready.reference, ready.mask)
                cache.keep(keyed.both, instruments.what(name), _finite(value))
    for key, name in list(_lacking(keyed, instruments, cache)):
        picture = ready.restored if key == keyed.restored else ready.reference
        assert picture is not None
        cache.keep(key, instruments.what(name), instruments.single[name](picture))


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
