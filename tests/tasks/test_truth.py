"""The embedded starter brings a degraded face nearer to the truth, and to what faces look like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from difface_cli import models
from difface_cli.degradations import Degradation
from difface_cli.faces.align import similarity
from difface_cli.faces.paste import face_mask
from difface_cli.faces.retinaface import backbone
from difface_cli.images import Photo
from difface_cli.method.difface import Settings
from difface_cli.metrics.fidelity import psnr
from difface_cli.models import Ready
from difface_cli.tasks import Engine, Restore, Scene
from difface_cli.tasks.options import Options
from difface_cli.weights import registry
from tests.tasks.test_restore import SHA

SIZE = 256
QUICK = Settings(n=100, steps=10, sampler="dpm++")  # the starter's own N
DAMAGES = (
    Degradation(8, 4, 0.5, scale=8, noise=10, quality=60),
    Degradation(4, 12, 0.0, scale=16, noise=5, quality=40),
)


@pytest.fixture(scope="module")
def starter() -> Iterator[Ready]:
    known, cpu = registry.load(), torch.device("cpu")
    yield models.load(known, known.model("starter", "restore"), cpu, torch.float32)


@pytest.fixture(scope="module")
def truth(starter: Ready) -> np.ndarray:  # type: ignore[type-arg]
    """The astronaut's face, aligned, SIZE×SIZE×3 in [0, 1]; no portrait of the training."""
    picture = skimage.data.astronaut()
    assert starter.detector is not None
    (face, *_) = starter.detector(picture)
    a, b, c, d, e, f = similarity(face.landmarks, SIZE).ravel()
    inverse = np.linalg.inv([[a, b, c], [d, e, f], [0, 0, 1]])[:2].ravel()
    cut = Image.fromarray(picture).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, tuple(inverse), Image.Resampling.BICUBIC
    )
    return np.asarray(cut, np.float32) / 255


def features(ready: Ready, face: np.ndarray) -> torch.Tensor:  # type: ignore[type-arg]
    """What the detector sees at its deepest, averaged over the picture."""
    assert ready.detector is not None
    x = torch.from_numpy(face[..., ::-1].copy()).permute(2, 0, 1)[None] * 255
    x -= torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    with torch.inference_mode():
        return backbone(ready.detector.network, x)[-1].mean((2, 3))[0]


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_ends_nearer_to_the_truth_than_it_began(
    starter: Ready,
    truth: np.ndarray,  # type: ignore[type-arg]
    damage: Degradation,
) -> None:
    x = torch.from_numpy(truth).permute(2, 0, 1)
    before = damage(x).permute(1, 2, 0).numpy()
    photo = Photo((before * 255).round().astype(np.uint8))
    options = Options(settings=QUICK, aligned=True)
    (crops,) = Engine(starter, Restore(), options).run(Scene(photo, photo, SHA)).crops
    shown = face_mask(SIZE)
    assert psnr(crops.restored[0], truth, shown) > psnr(before, truth, shown)
    real = features(starter, truth)
    gaps = [(features(starter, face) - real).norm() for face in (before, crops.restored[0])]
    assert gaps[1] < 0.8 * gaps[0]
