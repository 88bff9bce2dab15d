"""The background's network: tiles that leave no trace, in every depth and channel count."""

from __future__ import annotations

import builtins
import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.models import background
from difface_cli.models.background import Upscaler
from difface_cli.weights.registry import Weights

CPU = torch.device("cpu")


def nearest(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture(scope="module")
def compact() -> dict[str, Tensor]:
    """A random SRVGGNetCompact (Real-ESRGAN's small network), x2, with a field of view of ±4."""
    architecture = importlib.import_module("spandrel.architectures.Compact.__arch.SRVGG")
    torch.manual_seed(0)
    network = architecture.SRVGGNetCompact(num_feat=8, num_conv=2, upscale=2)
    return dict(network.state_dict())


def weights(scale: int = 2) -> Weights:
    return Weights("tiny", "background", "spandrel", params={"scale": scale})


def photo(rng_seed: int, height: int, width: int, channels: int, dtype: type) -> Any:
    rng = np.random.default_rng(rng_seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)


def test_a_known_network_leaves_no_seams(compact: dict[str, Tensor]) -> None:
    whole = background.build(weights(), compact, CPU, tile=64)
    tiled = dataclasses.replace(whole, tile=10, overlap=4)
    pixels = photo(0, 33, 41, 3, np.uint16)

    assert whole(pixels, 2).shape == (66, 82, 3)
    difference = np.abs(tiled(pixels, 2).astype(int) - whole(pixels, 2))
    assert difference.max() <= 1  # rounding; a seam would be thousands
    blind = np.abs(dataclasses.replace(tiled, overlap=0)(pixels, 2).astype(int) - whole(pixels, 2))
    assert blind.max() > 100


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("network_channels", [1, 3])
def test_an_exact_network_is_exact(dtype: type, channels: int, network_channels: int) -> None:
    upscaler = Upscaler(nearest, 2, network_channels, CPU, tile=7, overlap=2)
    pixels = photo(1, 20, 15, channels, dtype)
    twice = pixels.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(upscaler(pixels, 2), twice)
    np.testing.assert_array_equal(upscaler(pixels, 1), pixels)


def test_no_tile_is_larger_than_asked_for() -> None:
    seen = []

    def watched(x: Tensor) -> Tensor:
        seen.append(max(x.shape[2:]))
        return nearest(x)

    Upscaler(watched, 2, 3, CPU, tile=16, overlap=3)(photo(2, 100, 50, 3, np.uint8), 2)
    assert len(seen) > 1
    assert max(seen) <= 16 + 2 * 3


def test_a_factor_beyond_the_network_is_refused() -> None:
    with pytest.raises(UsageError, match="2 times, not 4"):
        Upscaler(nearest, 2, 3, CPU)(photo(0, 8, 8, 3, np.uint8), 4)


def test_other_tensors_are_refused(compact: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsInvalid, match="no network that spandrel knows"):
        background.build(weights(), {"nothing": torch.zeros(3)}, CPU)
    with pytest.raises(WeightsInvalid, match="enlarges pictures 4 times"):
        background.build(weights(scale=4), compact, CPU)


def test_without_the_extra_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "spandrel":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UsageError) as caught:
        background.build(weights(), {}, CPU)
    assert "difface-cli[background]" in caught.value.hint
