"""NRQM and PI: how good a picture looks, without a reference, as pyiqa computes them.

Ma et al. 2017 rate a picture by three regression forests on its frequencies, wavelets and singular
values; Blau et al. 2018 join that with NIQE. The only importer of pyiqa, which is for
non-commercial use: no extra brings it. Parameters come from the caller, and its own downloads are
not used.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.base.luma import luma
from difface_cli.base.tensors import to_batch
from difface_cli.metrics.fidelity import LEVELS, Floats, Planes
from difface_cli.metrics.niqe import BLOCK, natural

Rate = Callable[[Floats], float | None]
"""A picture, h×w×3 in [0, 1] → how good it looks; None where it cannot be told."""

SMALLEST = 84  # a quarter of it holds the 5×5 patches whose 25 singular values NRQM looks at
BORDER = 4  # PI leaves it out
COLOURS = "ycbcr"  # PI's luma is that of video, 16 to 235; NRQM's own goes from 0 to 255
INSTALL = (
    "It is for non-commercial use. To install it and leave OpenCV as it is: "
    "pip install --no-deps pyiqa, then pip install pyyaml requests."
)


def version() -> str:
    """Which pyiqa there is.

    Raises:
        UsageError: when it is not installed, or cannot be imported.
    """
    try:
        import pyiqa
        import pyiqa.archs.niqe_arch
        import pyiqa.archs.nrqm_arch
    except ModuleNotFoundError as e:
        if e.name == "pyiqa":
            raise UsageError("NRQM and PI need the library pyiqa.", INSTALL) from None
        raise _broken(e, f"Install what brings {e.name}, or another version of pyiqa.") from None
    except Exception as e:  # not every version of it goes with every version of torch
        raise _broken(e, "Install another version of it.") from None
    return str(pyiqa.__version__)


def _broken(error: Exception, hint: str) -> UsageError:
    reason = str(error).partition("\n")[0][:200]
    return UsageError(f"pyiqa is installed and cannot be imported: {reason}.", hint)


def build_nrqm(forest: Path, device: torch.device) -> Rate:
    """NRQM (Ma et al. 2017): from about 0 to about 10, more is better.

    It is None for pictures below 84 pixels, and for flat ones, which have no statistics.

    Args:
        forest: the authors' NRQM_model.mat, its hash checked: a file of MATLAB 5, in which nothing
            can run.
        device: where it is one of CUDA; otherwise the CPU computes, in float64.

    Raises:
        UsageError: when pyiqa cannot be imported.
        WeightsInvalid: when the file holds no such forest.
    """
    return partial(_rate, _nrqm(forest), 0, device)


def build_pi(forest: Path, statistics: Mapping[str, Planes], device: torch.device) -> Rate:
    """PI (Blau et al. 2018), without the outermost 4 pixels: less is better.

    It is None where NRQM or NIQE is: NIQE needs two blocks of 96 pixels.

    Args:
        forest, device: as above.
        statistics: of natural pictures, as `niqe.natural` takes them.

    Raises:
        UsageError, WeightsInvalid: as above, also for statistics of something else.
    """
    network = _nrqm(forest, crop_border=BORDER, color_space=COLOURS)
    rate_nrqm = partial(_rate, network, BORDER, device)
    rate_niqe = partial(_rate, _niqe(statistics), BORDER, device)

    def rate(picture: Floats) -> float | None:
        rows, columns = ((side - 2 * BORDER) // BLOCK for side in picture.shape[:2])
        if rows * columns < 2:
            return None
        niqe = rate_niqe(picture)
        nrqm = None if niqe is None else rate_nrqm(picture)
        return None if niqe is None or nrqm is None else perceptual_index(nrqm, niqe)

    return rate


def perceptual_index(nrqm: float, niqe: float) -> float:
    """Blau et al. 2018, section 3.1: 1/2 ((10 - NRQM) + NIQE)."""
    return ((10 - nrqm) + niqe) / 2


def _nrqm(forest: Path, **options: Any) -> Any:
    version()
    from pyiqa.archs.nrqm_arch import NRQM

    try:
        network = NRQM(pretrained_model_path=str(forest), **options).eval()
        noise = np.random.default_rng(0).random((SMALLEST + 2 * BORDER, SMALLEST + 2 * BORDER, 3))
        with torch.inference_mode():
            network(to_batch([noise]))  # a forest of other features fails here
    except MemoryError:
        raise
    except Exception as e:  # scipy and pyiqa name no one error for a file of something else
        raise _unfit(forest, e) from None
    return network


def _niqe(statistics: Mapping[str, Planes]) -> Any:
    """NIQE of pyiqa, on the parameters that ours takes.

    Ours on this luma came within 0.1 % on portraits; with theirs, PI is the one others report.
    """
    from pyiqa.archs.niqe_arch import NIQE
    from scipy.io import savemat

    known = natural(statistics)
    file = io.BytesIO()  # it takes its parameters from a file; this one never was on disk
    savemat(file, {"mu_prisparam": known.mean[None], "cov_prisparam": known.covariance})
    file.seek(0)
    return NIQE(crop_border=BORDER, color_space=COLOURS, pretrained_model_path=file).eval()


def _rate(network: Any, border: int, device: torch.device, picture: Floats) -> float | None:
    if min(picture.shape[:2]) < SMALLEST + 2 * border:
        return None
    if np.ptp(np.round(LEVELS * luma(picture))) == 0:  # rounding alone would decide its value
        return None
    try:
        with torch.inference_mode():
            used = device if device.type == "cuda" else torch.device("cpu")
            value = float(network(to_batch([picture], used)))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined] # as of a ramp
        return None
    except IndexError as e:
        raise _unfit(Path("NRQM_model.mat"), e) from None
    return value if np.isfinite(value) else None


def _unfit(forest: Path, error: Exception) -> WeightsInvalid:
    reason = str(error).partition("\n")[0][:200]
    return WeightsInvalid(
        f"{forest} holds no forest of NRQM: {type(error).__name__}: {reason}.",
        "Name the file NRQM_model.mat in [weights.nrqm] of your models.toml.",
    )
