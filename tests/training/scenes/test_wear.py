"""Worn pictures keep their size and lose detail."""

from __future__ import annotations

import numpy as np

from difface_cli.training.scenes.wear import worn

DETAIL = np.kron(np.indices((80, 80)).sum(axis=0) % 2 * 255, np.ones((2, 2)))
PICTURE = np.repeat(DETAIL[..., None], 3, axis=2).astype(np.uint8)


def test_size_stays_and_loss_is_told() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pixels, loss = worn(PICTURE, rng, largest=100, heavy=seed % 2 == 0, gray=0.3)
        assert pixels.shape == PICTURE.shape and pixels.dtype == np.uint8
        assert loss >= 1


def test_heavy_wear_takes_more_and_leaves_the_largest_face_visible() -> None:
    losses = {
        heavy: [
            worn(PICTURE, np.random.default_rng(s), largest=100, heavy=heavy, gray=0)[1]
            for s in range(60)
        ]
        for heavy in (False, True)
    }
    assert np.median(losses[True]) > 2 * np.median(losses[False])
    assert np.median(losses[True]) < 100 / 5  # pixels of the face, and those it must keep


def test_all_grey() -> None:
    tinted = PICTURE * np.array([1, 0, 0], np.uint8)
    pixels, _ = worn(tinted, np.random.default_rng(8), largest=0, heavy=False, gray=1.0)
    # A brown print has one hue: the ratio of its channels is that of every pixel.
    assert np.linalg.matrix_rank(pixels.reshape(-1, 3).astype(float), tol=2000) == 1
