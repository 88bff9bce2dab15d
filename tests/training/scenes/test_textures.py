"""Every pattern gives a picture of any size, and follows the generator alone."""

from __future__ import annotations

import numpy as np
import pytest

from difface_cli.training.scenes import textures


@pytest.mark.parametrize("pattern", sorted({p.__name__ for p in textures.PATTERNS}))
@pytest.mark.parametrize("shape", [(8, 8), (5, 90), (64, 33)])
def test_patterns(pattern: str, shape: tuple[int, int]) -> None:
    draw = getattr(textures, pattern)
    one, again, other = (draw(np.random.default_rng(s), *shape) for s in (1, 1, 2))
    assert one.shape == (*shape, 3) and one.dtype == np.uint8
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
