"""Everything that can be measured, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from difface_cli.base.errors import UsageError

VERSION = 1  # of all measures: another one leaves what was kept of earlier ones aside

PAIR, SINGLE, HOLE, SET = "pair", "single", "hole", "set"


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        title: as tables show it.
        of: "pair" (a picture and its reference), "single" (a picture), "hole" (a pair and its
            mask), "set" (all pictures at once, by their `features`).
        more: whether more is better.
        digits: behind the point.
        what: for the notes below a table: unit, and what it is exactly.
        weights: the blocks of models.toml it needs, where it needs any but the detector's.
        features: of a set measure: "detector" or "inception".
        against: of a set measure: "references" or "dataset".
        asked: taken only where it is named: slow, and what it needs is not for every use.
    """

    name: str
    title: str
    of: str
    more: bool
    digits: int
    what: str
    weights: tuple[str, ...] = ()
    features: str = ""
    against: str = ""
    asked: bool = False

    @property
    def arrow(self) -> str:
        """Whether more or less is better, as the paper shows it."""
        return "↑" if self.more else "↓"


_ALL = (
    Measure("psnr", "PSNR", PAIR, True, 2, "dB, on RGB"),
    Measure("psnr-y", "PSNR-Y", PAIR, True, 2, "dB, on the luma of BT.601"),
    Measure("ssim", "SSIM", PAIR, True, 4, "mean over R, G and B"),
    Measure("ssim-y", "SSIM-Y", PAIR, True, 4, "on the luma of BT.601"),
    Measure("ms-ssim", "MS-SSIM", PAIR, True, 4, "five scales, mean over R, G and B"),
    Measure("gmsd", "GMSD", PAIR, False, 4, "deviation of the gradients' similarity"),
    Measure(
        "lpips", "LPIPS", PAIR, False, 4, "distance in VGG-16's features, version 0.1",
        weights=("lpips-vgg16",),
    ),
    Measure(
        "ids", "IDS", PAIR, False, 2, "degrees between embeddings of ArcFace IR-SE-50",
        weights=("arcface",),
    ),
    Measure(
        "lmd", "LMD", PAIR, False, 2, "mean distance of five landmarks, pixels at 512, where the "
        "detector finds a face in both",
    ),
    Measure("found", "found", SINGLE, True, 3, "share of results the detector finds a face in"),
    Measure("psnr-hole", "PSNR in holes", HOLE, True, 2, "dB, on RGB, inside the mask"),
    Measure("ssim-hole", "SSIM in holes", HOLE, True, 4, "on RGB, inside the mask"),
    Measure("seam", "seam", HOLE, False, 3, "jump across the holes' border over the truth's own"),
    Measure(
        "niqe", "NIQE", SINGLE, False, 2, "distance to natural pictures' statistics, no reference",
        weights=("niqe",),
    ),
    Measure(
        "nrqm", "NRQM", SINGLE, True, 2, "Ma et al. 2017, by pyiqa, no reference",
        weights=("nrqm",), asked=True,
    ),
    Measure(
        "pi", "PI", SINGLE, False, 2, "((10 - NRQM) + NIQE)/2, by pyiqa, without a border of 4",
        weights=("nrqm", "niqe"), asked=True,
    ),
    Measure(
        "fd-g", "FD-detector-G", SET, False, 2, "Fréchet distance to the references in the face "
        "detector's features, times 1000: no FID",
        features="detector", against="references",
    ),
    Measure(
        "fd-f", "FD-detector-F", SET, False, 2, "the same, to a dataset's statistics",
        features="detector", against="dataset",
    ),
    Measure(
        "fid-g", "FID-G", SET, False, 2, "FID to the references",
        weights=("fid-inception",), features="inception", against="references",
    ),
    Measure(
        "fid-f", "FID-F", SET, False, 2, "FID to a dataset's statistics",
        weights=("fid-inception",), features="inception", against="dataset",
    ),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _ALL})

FEATURE_SCALE: Mapping[str, float] = MappingProxyType({"detector": 1000.0, "inception": 1.0})


def choose(names: tuple[str, ...]) -> tuple[Measure, ...]:
    """The measures of these names, in the order of the catalogue.

    For none, all but those that are taken only where they are named.

    Raises:
        UsageError: for a name there is not.
    """
    for name in names:
        if name not in MEASURES:
            raise UsageError(
                f"There is no measure {name!r}.", f"Choose from: {', '.join(MEASURES)}."
            )
    return tuple(m for m in _ALL if m.name in names or not (names or m.asked))


def applies(measure: Measure, *, references: bool, masks: bool, dataset: bool) -> bool:
    """Whether a measure can be taken of what was given."""
    if measure.of == SET:
        return references if measure.against == "references" else dataset
    return {PAIR: references, HOLE: references and masks, SINGLE: True}[measure.of]
