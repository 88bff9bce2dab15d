"""The measures of a pair that need no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from difface_cli.evaluation.measurement import Floats, OfPair, Picture
from difface_cli.metrics import fidelity, seam, structure
from difface_cli.metrics.fidelity import studio_luma


def psnr(a: Picture, b: Picture, mask: Floats | None) -> float:
    """On RGB."""
    return fidelity.psnr(a.values, b.values, _everywhere(a))


def psnr_y(a: Picture, b: Picture, mask: Floats | None) -> float:
    """On the luma."""
    return fidelity.psnr(studio_luma(a.values), studio_luma(b.values), _everywhere(a))


def ssim(a: Picture, b: Picture, mask: Floats | None) -> float:
    """On RGB."""
    return fidelity.ssim(a.values, b.values, _everywhere(a))


def ssim_y(a: Picture, b: Picture, mask: Floats | None) -> float:
    """On the luma."""
    return fidelity.ssim(studio_luma(a.values), studio_luma(b.values), _everywhere(a))


def ms_ssim(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB; None for pictures that are too small to have five scales."""
    if min(a.values.shape[:2]) < structure.SMALLEST:
        return None
    return structure.ms_ssim(a.values, b.values)


def gmsd(a: Picture, b: Picture, mask: Floats | None) -> float:
    """On the luma."""
    return structure.gmsd(a.values, b.values)


def psnr_hole(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB, inside the mask; None where nothing is a hole."""
    return fidelity.psnr(a.values, b.values, mask) if mask is not None and mask.any() else None


def ssim_hole(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """On RGB, inside the mask; None where nothing is a hole, or only at the very border."""
    inner = slice(fidelity.WINDOW // 2, -(fidelity.WINDOW // 2))
    if mask is None or not mask[inner, inner].any():
        return None
    return fidelity.ssim(a.values, b.values, mask)


def border(a: Picture, b: Picture, mask: Floats | None) -> float | None:
    """The seam round the holes; None where the mask has no border."""
    if mask is None or mask.all() or not mask.any():
        return None
    return seam.seam(a.values, b.values, mask)


QUICK: Mapping[str, OfPair] = {
    "psnr": psnr,
    "psnr-y": psnr_y,
    "ssim": ssim,
    "ssim-y": ssim_y,
    "ms-ssim": ms_ssim,
    "gmsd": gmsd,
    "psnr-hole": psnr_hole,
    "ssim-hole": ssim_hole,
    "seam": border,
}


def quick(names: Iterable[str]) -> Mapping[str, OfPair]:
    """Those of these measures that need no network."""
    return {name: QUICK[name] for name in names if name in QUICK}


def _everywhere(picture: Picture) -> Floats:
    return np.ones(picture.rgb.shape[:2], np.float32)
