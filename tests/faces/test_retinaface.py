"""Our anchors and decoding against facexlib's; building without downloads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import difface_cli
from difface_cli.base.errors import RegistryError, WeightsInvalid
from difface_cli.faces.retinaface import (
    answer,
    build_retinaface,
    folded,
    trainable_retinaface,
)
from difface_cli.weights.load import read_tensors

CPU = torch.device("cpu")
DETECTOR = Path(difface_cli.__file__).parent / "starter" / "detector.safetensors"


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return read_tensors(DETECTOR, CPU)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing can be downloaded or unpickled."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("no download or pickle was to be touched")

    for name in ("torch.load", "torch.hub.download_url_to_file", "socket.socket.connect"):
        monkeypatch.setattr(name, refuse)
    yield


def slopes(network: nn.Module) -> set[float]:
    return {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)}


@pytest.mark.parametrize("shape", [(1, 1), (33, 70), (224, 224), (101, 640)])
def test_answers_agree_with_facexlib_s_decoding(
    state: dict[str, Tensor], shape: tuple[int, int]
) -> None:
    from facexlib.detection.retinaface_utils import PriorBox, batched_decode, batched_decode_landm

    network: Any = build_retinaface("mobile0.25", state_dict=state, device=CPU)
    pictures = torch.rand(2, 3, *shape) * 255
    with torch.inference_mode():
        got = answer(network, pictures)
        raw = network(pictures.flip(1) - torch.tensor([104.0, 117.0, 123.0])[:, None, None])
    priors = PriorBox({**network.cfg, "clip": False}, image_size=shape).forward()[None]
    edges = torch.tensor([shape[1], shape[0]] * 5).float()
    boxes = batched_decode(raw[0], priors, [0.1, 0.2]) * edges[:4]
    landmarks = batched_decode_landm(raw[2], priors, [0.1, 0.2]) * edges
    torch.testing.assert_close(got.boxes, boxes, atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(got.landmarks.flatten(2), landmarks, atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(got.scores, raw[1][..., 1])


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_it_is_built_strictly_and_offline(backbone: str) -> None:
    from facexlib.detection.retinaface import RetinaFace

    own = RetinaFace(backbone, device=CPU)
    prefixed = {f"module.{name}": tensor for name, tensor in own.state_dict().items()}
    built = build_retinaface(backbone, state_dict=prefixed, device=CPU)
    assert not built.training and not any(p.requires_grad for p in built.parameters())
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, prefixed[f"module.{name}"])


def test_the_small_one_answers_as_facexlib_s_own(state: dict[str, Tensor]) -> None:
    from facexlib.detection.retinaface import RetinaFace

    own = RetinaFace("mobile0.25", device=CPU)
    own.load_state_dict(state)
    built: Any = build_retinaface("mobile0.25", state_dict=state, device=CPU)
    assert {key: own.cfg[key] for key in built.cfg} == built.cfg
    pictures = torch.rand(2, 3, 65, 100) * 255 - 100
    for phase in ("test", "train"):
        own.phase = built.phase = phase
        with torch.inference_mode():
            assert all(map(torch.equal, built(pictures), own(pictures)))


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_folding_changes_no_answer(backbone: str) -> None:
    torch.manual_seed(0)
    own = build_retinaface(backbone, state_dict=random_state(backbone), device=CPU)
    quick = folded(build_retinaface(backbone, state_dict=own.state_dict(), device=CPU))
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (own, quick)]
    assert norms[1] < norms[0] if backbone == "resnet50" else norms[1] == 0
    pictures = torch.rand(2, 3, 96, 128) * 255 - 100
    with torch.inference_mode():
        for fast, slow in zip(quick(pictures), own(pictures), strict=True):
            assert (fast - slow).norm() < 1e-3 * slow.norm()


def random_state(backbone: str) -> dict[str, Tensor]:
    """Weights whose batch norms do something."""
    network = trainable_retinaface(backbone)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    return network.state_dict()


def test_the_small_one_does_not_wait_for_torchvision(
    state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "facexlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)  # an import of it fails
    build_retinaface("mobile0.25", state_dict=state, device=CPU)
    with pytest.raises(ImportError, match="torchvision"):
        build_retinaface("resnet50", state_dict=state, device=CPU)


def test_other_weights_are_refused_by_name(state: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsInvalid, match=r"resnet50.*body\.conv1\.weight"):
        build_retinaface("resnet50", state_dict=state, device=CPU)
    short = {name: tensor for name, tensor in state.items() if name != "fpn.output1.0.weight"}
    with pytest.raises(WeightsInvalid, match=r"fpn\.output1\.0\.weight"):
        build_retinaface("mobile0.25", state_dict=short, device=CPU)


def test_foreign_anchors_and_slopes_leave_facexlib_alone(state: dict[str, Tensor]) -> None:
    sizes = [[10, 20], [32, 64], [128, 256]]
    other: Any = build_retinaface(
        "mobile0.25", state_dict=state, device=CPU, relu_slope=0.0, min_sizes=sizes
    )
    after: Any = build_retinaface("mobile0.25", state_dict=state, device=CPU)
    assert slopes(other) == {0.0} and other.cfg["min_sizes"] == sizes
    assert slopes(after) == {0.1} and after.cfg["min_sizes"] == [[16, 32], [64, 128], [256, 512]]


@pytest.mark.parametrize(
    "options", [{"backbone": "vgg"}, {"min_sizes": [[16], [32], [64]]}, {"min_sizes": [[16, 32]]}]
)
def test_impossible_settings_are_errors(state: dict[str, Tensor], options: dict[str, Any]) -> None:
    backbone = options.pop("backbone", "mobile0.25")
    with pytest.raises(RegistryError) as raised:
        build_retinaface(backbone, state_dict=state, device=CPU, **options)
    assert raised.value.hint


def test_no_tracker_is_loaded(state: dict[str, Tensor]) -> None:
    """facexlib imports its empty tracking package; the trackers in it stay out."""
    build_retinaface("mobile0.25", state_dict=state, device=CPU)
    assert not [name for name in sys.modules if name.startswith("facexlib.tracking.")]
