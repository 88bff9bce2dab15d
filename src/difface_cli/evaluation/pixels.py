"""The measures of a pair that need no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from difface_cli.evaluation.measurement import Floats, OfPair, Picture
from difface_cli.metrics import fidelity, seam, structure


def _everywhere(measure: Callable[[Floats, Floats, Floats], float], *, luma: bool) -> OfPair:
    """A measure with a mask, taken of whole pictures: on RGB or on the luma."""

    def measured(a: Picture, b: Picture, mask: Floats | None) -> float:
        x, y = (fidelity.studio_luma(p.values) if luma else p.values for p in (a, b))
        return measure(x, y, np.ones(a.rgb.shape[:2], np.float32))

    return measured


def ms_ssim(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB; None for pictures that are too small to have five scales."""
    if min(a.values.shape[:2]) < structure.SMALLEST:
        return None
    return structure.ms_ssim(a.values, b.values)


def psnr_hole(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB, inside the mask; None where nothing is a hole."""
    return fidelity.psnr(a.values, b.values, mask) if mask is not None and mask.any() else None


def ssim_hole(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB, inside the mask; None where nothing is a hole, or only at the very border."""
    if mask is None or not mask[fidelity.INNER].any():
        return None
    return fidelity.ssim(a.values, b.values, mask)


def border(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """The seam round the holes; None where the mask has no border."""
    if mask is None or mask.all() or not mask.any():
        return None
    return seam.seam(a.values, b.values, mask)


QUICK: Mapping[str, OfPair] = {
    "psnr": _everywhere(fidelity.psnr, luma=False),
    "psnr-y": _everywhere(fidelity.psnr, luma=True),
    "ssim": _everywhere(fidelity.ssim, luma=False),
    "ssim-y": _everywhere(fidelity.ssim, luma=True),
    "ms-ssim": ms_ssim,
    "gmsd": lambda a, b, mask: structure.gmsd(a.values, b.values),  # on the luma
    "psnr-hole": psnr_hole,
    "ssim-hole": ssim_hole,
    "seam": border,
}


def quick(names: Iterable[str]) -> Mapping[str, OfPair]:
    """Those of these measures that need no network."""
    return {name: QUICK[name] for name in names if name in QUICK}
