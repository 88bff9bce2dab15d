"""Measures of trust where the truth is known: degraded by eq. 17, moved, varied by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from difface_cli.degradations import Degradation
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.metrics.fidelity import psnr
from difface_cli.trust import measures
from tests.trust.test_severity import MASK, SIZE, degraded, face

LANDMARKS = (FFHQ_TEMPLATE_512 + 0.5) * SIZE / 512 - 0.5
EYES = float(np.linalg.norm(LANDMARKS[1] - LANDMARKS[0]))
SHARP = face(1)


@dataclass(frozen=True)
class Eyes:
    """A detector that sees the face it looks for at these landmarks, or nowhere."""

    at: Any

    def again(self, rgb: Any, landmarks: Any) -> Face | None:
        return None if self.at is None else Face((0.0, 0.0, 1.0, 1.0), self.at, 0.9)


def test_the_truth_is_consistent_and_another_face_is_not() -> None:
    y = degraded(SHARP, 4, 8)
    true = measures.consistency(y, SHARP, MASK)
    other = measures.consistency(y, face(2), MASK)
    assert true.psnr > 35
    assert other.psnr < 20
    assert np.abs(true.residual(y) - 0.5)[MASK > 0].mean() < 0.05
    assert np.abs(other.residual(y) - 0.5)[MASK > 0].mean() > 0.2


def test_a_residual_is_what_degraded_lacks() -> None:
    y = degraded(SHARP, 4, 8)
    found = measures.consistency(y, SHARP, MASK)
    brighter = found.residual(found.degraded + np.float32(0.1))
    np.testing.assert_allclose(brighter, 0.9, atol=1e-5)


def test_detail_that_the_degradation_takes_away_costs_no_consistency() -> None:
    """Whatever is drawn above the frequencies that the photo holds fits as well."""
    y = degraded(SHARP, 0, 16)
    fine = face(3, fall=0) - 0.5
    fine -= degraded(fine + 0.5, 0, 4) - 0.5
    drawn = (SHARP + 0.3 * fine).clip(0, 1)
    assert np.abs(drawn - SHARP).mean() > 0.02
    without, with_it = (measures.consistency(y, x, MASK).psnr for x in (SHARP, drawn))
    assert with_it == pytest.approx(without, abs=1.5)


def test_a_jpeg_is_only_taken_where_it_fits_better() -> None:
    y = degraded(SHARP, 4, 8)
    blocky = Degradation(0, 0, 0, 16, 0, 30)(torch.from_numpy(SHARP).permute(2, 0, 1))
    blocky = blocky.permute(1, 2, 0).numpy()
    for picture in (y, blocky):
        found = measures.consistency(picture, SHARP, MASK)
        plain = degraded(SHARP, found.severity.blur, found.severity.scale)
        gain = found.psnr - psnr(plain, picture, MASK)
        assert (gain == 0) if found.quality is None else (gain > 0)
    assert measures.consistency(SHARP, SHARP, MASK).quality is None


def test_landmark_shift() -> None:
    assert measures.landmark_shift(SHARP, LANDMARKS, Eyes(LANDMARKS)) == 0
    moved = Eyes(LANDMARKS + np.array([0.1 * EYES, 0]))
    assert measures.landmark_shift(SHARP, LANDMARKS, moved) == pytest.approx(0.1)
    assert measures.landmark_shift(SHARP, LANDMARKS, Eyes(None)) == math.inf


def test_variation_is_the_spread_of_the_samples() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    samples = [flat, flat + np.float32(0.1)]
    landmarks = LANDMARKS * 64 / SIZE
    found = measures.measure(flat, samples, landmarks, None)
    assert found.samples == 2
    assert found.variation == pytest.approx(255 * 0.1 / math.sqrt(2), rel=1e-4)
    assert found.deviation is not None
    np.testing.assert_allclose(found.deviation, 0.1 / math.sqrt(2), rtol=1e-4)
    alone = measures.measure(flat, samples[:1], landmarks, None)
    assert (alone.variation, alone.deviation, alone.shift) == (None, None, None)


def test_colour_that_will_be_lost_is_not_measured() -> None:
    red = np.full((64, 64, 3), (0.9, 0.3, 0.3), np.float32)
    grey = np.repeat((red @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    found = measures.measure(grey, [red, red], LANDMARKS * 64 / SIZE, None, gray=True)
    assert found.consistency.psnr > 60
    assert found.variation == pytest.approx(0, abs=1e-3)


def test_sharpness_before_and_after() -> None:
    blurred = degraded(SHARP, 8, 1)
    found = measures.measure(blurred, [SHARP], LANDMARKS, None)
    before, after = found.sharpness
    assert before < 0.3 * after


def test_likeness_is_told_where_something_can() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    landmarks = LANDMARKS * 64 / SIZE
    likeness = lambda found, drawn: float((found - drawn).mean())  # noqa: E731
    measured = measures.measure(flat, [flat], landmarks, None, likeness=likeness)
    assert measured.identity == pytest.approx(0)
    assert measures.measure(flat, [flat], landmarks, None).identity is None
