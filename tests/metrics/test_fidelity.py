"""The usual measures, against scikit-image and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from difface_cli.metrics.fidelity import distance, psnr, ssim

RNG = np.random.default_rng(0)
A = RNG.random((40, 40, 3), dtype=np.float32)
B = (A + RNG.normal(0, 0.1, A.shape)).clip(0, 1).astype(np.float32)
EVERYWHERE = np.ones((40, 40), np.float32)


def left_half() -> Any:
    weight = EVERYWHERE.copy()
    weight[:, 20:] = 0
    return weight


def test_psnr_is_scikit_images() -> None:
    expected = peak_signal_noise_ratio(A.astype(float), B.astype(float), data_range=1)
    assert psnr(A, B, EVERYWHERE) == pytest.approx(expected)


def test_ssim_is_scikit_images_with_wangs_window() -> None:
    expected = structural_similarity(
        A.astype(float), B.astype(float), data_range=1, channel_axis=2, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(A, B, EVERYWHERE) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures() -> None:
    assert distance(A, A, EVERYWHERE) == 0
    assert psnr(A, A, EVERYWHERE) == 100
    assert ssim(A, A, EVERYWHERE) == pytest.approx(1)


def test_a_constant_shift_is_the_distance_in_grey_levels() -> None:
    dark = np.full((16, 16, 3), 0.25, np.float32)
    assert distance(dark, dark + np.float32(10 / 255), np.ones((16, 16), np.float32)) == (
        pytest.approx(10, rel=1e-5)
    )


@pytest.mark.parametrize("measure", [distance, psnr])
def test_pixels_without_weight_do_not_count(measure: Any) -> None:
    changed = B.copy()
    changed[:, 20:] = 0
    assert measure(A, changed, left_half()) == measure(A, B, left_half())
    assert measure(A, changed, left_half()) == pytest.approx(
        measure(A[:, :20], B[:, :20], np.ones((40, 20), np.float32))
    )


def test_ssim_weighs_its_map() -> None:
    changed = B.copy()
    changed[:, 26:] = 0  # further than the window reaches from the left half
    assert ssim(A, changed, left_half()) == pytest.approx(ssim(A, B, left_half()))
    assert ssim(A, changed, EVERYWHERE) < ssim(A, B, EVERYWHERE) - 0.1


def test_a_picture_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="11 pixels"):
        ssim(A[:8], B[:8], EVERYWHERE[:8])
