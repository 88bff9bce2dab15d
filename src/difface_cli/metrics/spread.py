"""How pictures of one thing differ from each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from difface_cli.metrics.fidelity import LEVELS, Floats


class Spread:
    """Mean and standard deviation of pictures that are added one by one (Welford 1962).

    Two pictures' worth of memory, however many are added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean: npt.NDArray[np.float64] = np.zeros(())
        self._squares: npt.NDArray[np.float64] = np.zeros(())

    def add(self, face: Floats) -> None:
        """One more picture, s×s×3, of the size of the others."""
        self.count += 1
        off = face - self._mean
        self._mean = self._mean + off / self.count
        self._squares = self._squares + off * (face - self._mean)

    @property
    def mean(self) -> Floats:
        """The mean picture, s×s×3."""
        return self._mean.astype(np.float32)

    @property
    def deviation(self) -> Floats:
        """The sample standard deviation of each pixel, over seeds and then channels, s×s.

        Raises:
            ValueError: for fewer than two pictures.
        """
        if self.count < 2:
            raise ValueError(f"{self.count} pictures do not vary")
        variance = self._squares.mean(axis=2) / (self.count - 1)
        deviation: Floats = np.sqrt(variance).astype(np.float32)
        return deviation

    def level(self, weight: Floats) -> float:
        """The root mean square of the deviation, in grey levels of 255.

        Args:
            weight: s×s in [0, 1], how much each pixel counts.
        """
        squares = self.deviation.astype(np.float64) ** 2
        return LEVELS * float(np.sqrt(np.average(squares, weights=weight)))
