"""How long-running work tells of its progress without knowing who listens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """What a run says on its way: the photo, the stage within it, the steps of a loop."""

    def photo(self, name: str, index: int, total: int) -> None:
        """Work on photo `index` (from 0) of `total` begins; `name` is shown as it is."""

    def stage(self, name: str) -> None:
        """The present photo comes to `name`, such as "finding faces"."""

    def steps(self, iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
        """Pass `iterable` on unchanged and count its `total` items; loops may be nested."""
        ...


class NoProgress:
    """Progress that nobody watches."""

    def photo(self, name: str, index: int, total: int) -> None:
        """Say nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def steps(self, iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
        """Pass `iterable` on, uncounted."""
        return iter(iterable)
