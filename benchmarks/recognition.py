"""How alike two aligned faces are to a network that tells people apart: dlib's, which is CC0.

    pip install "difface-cli[identity]"
    python benchmarks/recognition.py PORTRAITS/test

Run by itself, it shows what the distance is between a portrait and itself saved anew, made small,
and degraded, and between strangers.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from difface_cli import degradations
from difface_cli.faces import identity
from difface_cli.weights import dlib, registry, store


def load() -> nn.Module:
    """The network with dlib's weights."""
    weights = registry.load().weights["dlib"]
    return identity.build_dlib(dlib.read(store.verified(weights)), torch.device("cpu"))


def embed(network: nn.Module, faces: Tensor) -> Tensor:
    """Aligned faces, n×3×s×s in [0, 1], to n×128."""
    pixels = (faces.clamp(0, 1) * 255).round()
    return torch.cat([network(identity.chip(batch)) for batch in torch.split(pixels, 16)])


def _saved(face: Tensor, quality: int) -> Tensor:
    pixels = (face * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(buffer := io.BytesIO(), "jpeg", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float() / 255


def main() -> None:
    """Print distances that are known beforehand to be small or large."""
    from starter import portraits

    faces = portraits(Path(sys.argv[1]), 256, 80)
    network = load()
    truth = embed(network, faces)
    rng = np.random.default_rng(0)
    shown = {
        "JPEG of quality 60": torch.stack([_saved(face, 60) for face in faces]),
        "4 pixels to the side": faces.roll(4, -1),
        "4 pixels down": faces.roll(4, -2),
        "mirrored": faces.flip(-1),
        "at 64 pixels": F.interpolate(
            F.interpolate(faces, (64, 64), mode="area"), (256, 256), mode="bicubic"
        ),
        "degraded": torch.stack([degradations.celeba_test(rng)(face) for face in faces]),
    }
    for name, pictures in shown.items():
        print(f"{name}: {(embed(network, pictures) - truth).norm(dim=1).mean():.3f}")
    between = torch.pdist(truth)
    print(f"strangers: {between.mean():.3f}, {(between < 0.6).float().mean():.1%} below 0.6")


if __name__ == "__main__":
    main()
