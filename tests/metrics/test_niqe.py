"""NIQE, against BasicSR 1.4.2 with the same (made-up) statistics of natural pictures."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from difface_cli.base.errors import WeightsInvalid
from difface_cli.metrics.niqe import NAMES, Natural, natural, niqe

X = np.arange(-3, 4)
WINDOW = np.exp(-(X[:, None] ** 2 + X**2) / (2 * (7 / 6) ** 2))
MADE_UP = Natural(
    np.linspace(0.2, 2.5, 36), np.diag(np.linspace(0.05, 0.4, 36)) + 0.01, WINDOW / WINDOW.sum()
)
BASICSR = {
    "astronaut": 20.6363,
    "cat": 18.7768,
    "coffee": 19.9563,
    "rocket": 19.5229,
    "camera": 20.9596,
    "coins": 22.9067,
    "moon": 23.9773,
    "brick": 21.4453,
    "grass": 24.1645,
    "gravel": 22.3276,
}
"""basicsr.metrics.niqe.niqe on the luma of rows 100 to 299 and columns 50 to 349."""


def part(name: str) -> np.ndarray:  # type: ignore[type-arg]
    pixels = getattr(skimage.data, name)()
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.asarray(pixels[100:300, 50:350] / 255, np.float32)


@pytest.mark.parametrize("name", BASICSR)
def test_ten_pictures_agree_to_one_in_a_thousand(name: str) -> None:
    assert niqe(part(name), MADE_UP) == pytest.approx(BASICSR[name], rel=1e-3)


def test_too_small_and_flat_pictures_have_none() -> None:
    assert niqe(part("coins")[:100, :100], MADE_UP) is None
    assert niqe(np.full((200, 300, 3), 0.5, np.float32), MADE_UP) is None


def test_other_files_are_refused() -> None:
    with pytest.raises(WeightsInvalid, match="NIQE"):
        natural({NAMES[0]: np.zeros((1, 36))})
