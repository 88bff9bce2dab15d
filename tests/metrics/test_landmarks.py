"""Landmarks and features of a detector, with detectors that say what they are told."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from difface_cli import models
from difface_cli.base.tensors import to_batch
from difface_cli.faces import retinaface
from difface_cli.faces.detect import Face, FaceDetector
from difface_cli.metrics.landmarks import detector_features, landmark_distance, landmarks
from difface_cli.weights import registry

POINTS = np.array([[10.0, 12], [30, 12], [20, 22], [12, 32], [28, 32]])


def seeing(*faces: Face) -> Any:
    return lambda rgb: list(faces)


def test_landmarks_are_told_at_512() -> None:
    face = Face((0, 0, 40, 40), POINTS, 0.9)
    told = landmarks(seeing(face), np.zeros((64, 128, 3), np.uint8))
    np.testing.assert_allclose(told, 4 * POINTS)  # type: ignore[arg-type]
    assert landmarks(seeing(), np.zeros((64, 64, 3), np.uint8)) is None


def test_the_distance_is_the_mean_of_five() -> None:
    moved = POINTS.copy()
    moved[0] += (3, 4)
    assert landmark_distance(POINTS, moved) == pytest.approx(1)
    assert landmark_distance(POINTS, POINTS) == 0
    assert landmark_distance(POINTS, POINTS + np.array([3, 4])) == pytest.approx(5)


@pytest.mark.parametrize("stages", [None, nn.ModuleDict({"a": nn.ReLU6(), "b": nn.Identity()})])
def test_features_are_the_deepest_layers_means(stages: nn.Module | None) -> None:
    class Body(nn.Module):
        def forward(self, x: Tensor) -> dict[int, Tensor]:
            return {1: x * 0, 2: x}

    network = nn.Module()
    network.body = stages or Body()
    detector = FaceDetector(network, torch.device("cpu"))
    rgb = np.zeros((8, 8, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    rgb[:, :4] += 2
    # Blue, green, red without facexlib's means; all below 0, which is nothing behind a ReLU.
    expected = [0, 0, 0] if stages else [31 - 104, 21 - 117, 11 - 123]
    np.testing.assert_allclose(detector_features(detector, rgb), expected)


def test_the_embedded_detector_has_256_features() -> None:
    known = registry.load().weights["starter-detector"]
    detector = models.load_detector(known, torch.device("cpu"))
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    seen: list[Tensor] = []
    hook = cast(Any, detector.network).fpn.register_forward_pre_hook(
        lambda module, given: seen.append(list(given[0])[-1])
    )
    features = detector_features(detector, rgb)
    assert features.shape == (256,)
    retinaface.answer(detector.network, to_batch([rgb]))
    hook.remove()
    np.testing.assert_allclose(features, seen[0].mean((2, 3))[0].numpy(), rtol=1e-5)
