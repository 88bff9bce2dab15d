"""The tint that a chain starts from."""

from __future__ import annotations

import numpy as np

from difface_cli.images import luma
from difface_cli.tasks.tint import tinted


def test_it_keeps_the_luma_and_warms_the_face_alone() -> None:
    gray = np.random.default_rng(0).random((64, 64, 1), np.float32)
    out = tinted(gray, 3)
    assert out.dtype == np.float32
    np.testing.assert_allclose(luma(out), gray, atol=1e-6)
    flat = tinted(np.full((64, 64, 1), 0.5, np.float32), 3)
    red, green, blue = flat[34, 32]
    assert red > green > blue
    assert np.ptp(flat[:, :3].reshape(-1, 3), axis=0).max() < 1e-6  # one colour around it


def test_the_seed_draws_the_colour_around_the_face() -> None:
    gray = np.full((64, 64, 1), 0.5, np.float32)
    one, again, other = (tinted(gray, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one[0, 0], other[0, 0])
    np.testing.assert_allclose(one[34, 32], other[34, 32], atol=1e-6)


def test_black_and_white_take_no_colour() -> None:
    for value in (0.0, 1.0):
        flat = np.full((16, 16, 1), value, np.float32)
        np.testing.assert_allclose(tinted(flat, 0), value, atol=1e-6)
