"""What is done to a restored face at the photo's own resolution: detail put back, grain added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from difface_cli.faces import bands, detail
from difface_cli.faces.grain import grain, lacking

Floats = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]

SAMPLE = 768  # pixels a side that noise is measured on, at most
STRIP = 192  # pixels: thickness of what is looked at beside a face
LEAST = 32  # pixels a side; less says nothing of noise


@dataclass(frozen=True)
class Finish:
    """What is asked for.

    Attributes:
        keep_detail: whether the photo's detail is put back where it has more than the face.
        grain: seed of the grain that is added to match the photo's; None for none.
    """

    keep_detail: bool = False
    grain: int | None = None


class Finisher:
    """Finishes one face, some rows at a time; all in the canvas's luma and its units."""

    def __init__(
        self,
        finish: Finish,
        box: Box,
        shape: tuple[int, ...],
        canvas: Callable[[Box], Floats],
        drawn: Callable[[int, int], Floats],
    ) -> None:
        """Look at the canvas, which must not change in `box` until this was done.

        Args:
            box: the face's region: x0, y0, x1, y1.
            shape: of the canvas.
            canvas: the luma of a box of it.
            drawn: the restored face's luma in the box, by first and last row of the canvas.
        """
        self._finish, self._box, self._shape = finish, box, shape
        self._canvas, self._drawn = canvas, drawn
        self._before = canvas(box)
        self._noise = bands.noise_levels(_middle(self._before))
        self._grain = self._measured() if finish.grain is not None else None

    def adds(self, top: int, bottom: int) -> Floats:
        """What is to be added to the drawn face in these rows of the canvas."""
        _, y0, _, y1 = self._box
        low, high = max(y0, top - detail.REACH), min(y1, bottom + detail.REACH)
        rows = slice(top - low, bottom - low)
        added: Floats = np.zeros((bottom - top, self._before.shape[1]), np.float32)
        if self._finish.keep_detail:
            drawn = self._drawn(low, high)
            kept = detail.keep(drawn, self._before[low - y0 : high - y0], self._noise)
            added += (kept - drawn)[rows]
        if self._grain is not None:
            added += self._grain[top - y0 : bottom - y0]
        return added

    def _measured(self) -> Floats:
        """The grain that the face lacks, over its whole region."""
        x0, y0, x1, y1 = self._box
        middle = (y0 + y1) // 2
        half = min(SAMPLE, y1 - y0) // 2
        face = bands.noise_levels(_middle(self._drawn(middle - half, middle + half)))
        levels = lacking(self._around, face)
        assert self._finish.grain is not None
        return grain(y1 - y0, x1 - x0, levels, self._finish.grain)

    @cached_property
    def _around(self) -> tuple[float, ...]:
        """The photo's noise beside the face and on it: the median of up to five looks.

        One side may be burnt out, another full of leaves.
        """
        x0, y0, x1, y1 = self._box
        height, width = self._shape[:2]
        beside = (
            (x0, max(0, y0 - STRIP), x1, y0),
            (x0, y1, x1, min(height, y1 + STRIP)),
            (max(0, x0 - STRIP), y0, x0, y1),
            (x1, y0, min(width, x1 + STRIP), y1),
        )
        looks = [self._noise]
        for a, b, c, d in beside:
            if min(c - a, d - b) >= LEAST:
                looks.append(bands.noise_levels(_middle(self._canvas((a, b, c, d)))))
        return tuple(np.median(looks, axis=0).tolist())


def _middle(luma: Floats) -> Floats:
    """Enough of a region to measure its noise on."""
    height, width = luma.shape
    top, left = max(0, height - SAMPLE) // 2, max(0, width - SAMPLE) // 2
    return luma[top : top + SAMPLE, left : left + SAMPLE]
