"""Results and the pictures they are held against, matched by the stems of their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from difface_cli.base.errors import UsageError
from difface_cli.degradations.sets import folders


@dataclass(frozen=True)
class Pair:
    """A result, and what belongs to it.

    Attributes:
        stem: the name within its folder, without suffix.
        reference, mask: None where none were given.
    """

    stem: str
    restored: Path
    reference: Path | None = None
    mask: Path | None = None


@dataclass(frozen=True)
class Matched:
    """All pairs of two folders, and the stems that stand alone."""

    pairs: tuple[Pair, ...]
    without_reference: tuple[str, ...] = ()
    without_result: tuple[str, ...] = ()
    without_mask: tuple[str, ...] = ()


def match(restored: Path, reference: Path | None, masks: Path | None = None) -> Matched:
    """Pair the pictures of two folders, or two pictures, by the stems of their names.

    A single picture goes with a single reference whatever they are called.

    Raises:
        UsageError: when there is nothing to measure, or two files have one stem.
    """
    results = stems(restored)
    if reference is None:
        return Matched(tuple(Pair(stem, path) for stem, path in results.items()))
    truths, holes = stems(reference), stems(masks) if masks else {}
    if restored.is_file() and reference.is_file():
        (stem,) = results
        truths = {stem: reference}
        holes = {stem: masks} if masks is not None and masks.is_file() else holes
    with_truth = [stem for stem in results if stem in truths]
    there = [stem for stem in with_truth if not masks or stem in holes]
    if not there:
        raise UsageError(
            f"No picture of {restored} has a partner of the same name in {reference}"
            + (f" and {masks}." if masks else "."),
            "Names must be equal but for the suffix: face7.png and face7.jpg.",
        )
    return Matched(
        tuple(Pair(stem, results[stem], truths[stem], holes.get(stem)) for stem in there),
        tuple(stem for stem in results if stem not in truths),
        tuple(stem for stem in truths if stem not in results),
        tuple(stem for stem in with_truth if stem not in there),
    )


def stems(place: Path) -> Mapping[str, Path]:
    """Stem → path of the pictures of a folder and its subfolders, or of a single picture.

    Raises:
        UsageError: for a place without pictures, or two of one stem.
    """
    if place.is_file():
        return {place.stem: place}
    if not place.is_dir():
        raise UsageError(f"{place} does not exist.", "Check its path.")
    found: dict[str, Path] = {}
    for name in folders.pictures(place):
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem in found:
            raise UsageError(
                f"{found[stem]} and {place / name} differ in their suffix alone.",
                "Pictures are matched by their names without it: move one away.",
            )
        found[stem] = place / name
    if not found:
        raise UsageError(f"There are no pictures in {place}.", "Check its path.")
    return found
