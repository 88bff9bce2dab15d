"""Pictures become tensors and come back."""

from __future__ import annotations

import numpy as np
import torch

from difface_cli.base.tensors import to_batch, to_picture


def test_each_pixel_keeps_its_place() -> None:
    pictures = [np.arange(24, dtype=np.uint8).reshape(2, 4, 3) + i for i in (0, 100)]
    batch = to_batch(pictures)
    assert batch.shape == (2, 3, 2, 4)
    assert batch[1, 2, 1, 3] == pictures[1][1, 3, 2] == 123
    for picture, tensor in zip(pictures, batch, strict=True):
        assert np.array_equal(to_picture(tensor), picture.astype(np.float32))


def test_float32_comes_out_of_any_type() -> None:
    assert to_batch([np.zeros((1, 1, 3), np.uint8)]).dtype == torch.float32
    picture = to_picture(torch.zeros(3, 2, 2, dtype=torch.bfloat16))
    assert picture.dtype == np.float32
    assert picture.flags.c_contiguous
