"""Seams are what a hole's border shows more than the picture itself does there."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.metrics.seam import jump, seam

TRUTH = np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)
MASK = np.zeros((40, 50), np.float32)
MASK[10:30, 20:40] = 1


def test_the_jump_of_a_box_on_a_flat_picture() -> None:
    picture = np.full((40, 50, 3), 0.2, np.float32)
    picture[MASK > 0] += np.float32(10 / 255)
    assert jump(picture, MASK) == pytest.approx(10, rel=1e-5)


def test_the_truth_has_no_seam() -> None:
    assert seam(TRUTH, TRUTH, MASK) == 1


def test_only_the_border_counts() -> None:
    inside = TRUTH.copy()
    inside[12:28, 22:38] = 0
    assert seam(inside, TRUTH, MASK) == 1
    shifted = np.where(MASK[..., None] > 0, 3 + TRUTH, TRUTH).astype(np.float32)
    assert seam(shifted, TRUTH, MASK) > 5


def test_a_flat_truth_gives_a_number() -> None:
    flat = np.full_like(TRUTH, 0.5)
    assert seam(flat, flat, MASK) == 0


def test_no_border_no_jump() -> None:
    for mask in (np.zeros_like(MASK), np.ones_like(MASK)):
        with pytest.raises(ValueError, match="no border"):
            jump(TRUTH, mask)
