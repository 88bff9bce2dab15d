"""LPIPS and Inception with random weights: the libraries' own answers, and nobody's downloads."""

from __future__ import annotations

import builtins
import warnings
from typing import Any

import lpips
import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.metrics import perception

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def vgg() -> dict[str, Tensor]:
    """Random parameters under the names of torchvision's vgg16().features."""
    torch.manual_seed(0)
    widths = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256)}
    widths |= {12: (256, 256), 14: (256, 256), 17: (256, 512)}
    widths |= dict.fromkeys((19, 21, 24, 26, 28), (512, 512))
    state = {}
    for layer, (inside, outside) in widths.items():
        state[f"{layer}.weight"] = torch.randn(outside, inside, 3, 3) * (2 / (9 * inside)) ** 0.5
        state[f"{layer}.bias"] = torch.randn(outside) / 10
    return state


def test_lpips_is_the_distance_of_its_paper(vgg: dict[str, Tensor]) -> None:
    """Zhang et al. 2018, equation 1, step by step on the given layers."""
    network = perception.build_lpips(vgg, CPU)
    a, b = RNG.random((2, 32, 40, 3), dtype=np.float32)
    mean, std = (np.array(v) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

    def features(picture: Any) -> list[Tensor]:
        x = torch.from_numpy((picture - mean) / std).float().permute(2, 0, 1)[None]
        found = []
        for layer in range(30):
            if layer in (4, 9, 16, 23):
                x = torch.nn.functional.max_pool2d(x, 2)
            elif f"{layer}.weight" in vgg:
                weight, bias = vgg[f"{layer}.weight"], vgg[f"{layer}.bias"]
                x = torch.nn.functional.conv2d(x, weight, bias, padding=1).relu()
            if layer in (3, 8, 15, 22, 29):
                found.append(x / (x.norm(dim=1, keepdim=True) + 1e-10))
        return found

    linear = [getattr(network, f"lin{k}").model[1].weight for k in range(5)]
    expected = sum(
        float((w * (x - y) ** 2).sum(1).mean())
        for w, x, y in zip(linear, features(a), features(b), strict=True)
    )
    assert perception.lpips_distance(network, a, b) == pytest.approx(expected, rel=1e-4)
    assert perception.lpips_distance(network, a, a) == 0


def test_lpips_is_lpips(vgg: dict[str, Tensor]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs: Any = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False).eval()
    own = perception.build_lpips(vgg, CPU)
    theirs.load_state_dict(own.state_dict())
    for _ in range(3):
        a, b = RNG.random((2, 24, 24, 3), dtype=np.float32)
        x, y = (torch.from_numpy(p).permute(2, 0, 1)[None] for p in (a, b))
        expected = float(theirs(x, y, normalize=True).detach())
        assert perception.lpips_distance(own, a, b) == pytest.approx(expected, rel=1e-5)


def test_other_parameters_are_refused(vgg: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsInvalid, match="VGG-16"):
        perception.build_lpips({k: v for k, v in vgg.items() if k != "28.bias"}, CPU)
    with pytest.raises(WeightsInvalid, match="Inception"):
        perception.build_inception(vgg, CPU)


def test_inception_is_torch_fidelitys(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import feature_extractor_inceptionv3 as library

    def never(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a download")

    monkeypatch.setattr(library, "load_state_dict_from_url", never)
    monkeypatch.setattr(
        library.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None
    )
    torch.manual_seed(0)
    network = perception.build_inception({}, CPU)  # with the random parameters it was made with
    rgb = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    (expected,) = network(torch.from_numpy(rgb).permute(2, 0, 1)[None])
    features = perception.inception_features(network, rgb)
    assert features.shape == (2048,)
    np.testing.assert_array_equal(features, expected[0].numpy())


@pytest.mark.parametrize("build", [perception.build_lpips, perception.build_inception])
def test_a_missing_library_is_a_sentence(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in ("lpips", "torch_fidelity"):
            raise ImportError(name)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"difface-cli\[metrics\]"):
        build({}, CPU)
