"""How alike two aligned faces are to a network that tells people apart: dlib's, which is CC0.

    pip install face-recognition-models
    python benchmarks/recognition.py PORTRAITS/test

A distance below 0.6 means the same person to dlib. Run by itself, it shows what the distance is
between a portrait and itself saved anew, made small, and degraded, and between strangers.

The network is a residual network of 29 layers (King 2017, https://blog.dlib.net/2017/02/). Its
file is what C++ wrote, without names: what is trained follows in the order of the layers.
"""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from difface_cli import degradations
from difface_cli.faces.align import similarity

PACKAGE = "face_recognition_models"
FILE = "models/dlib_face_recognition_resnet_model_v1.dat"
CHIP = 150
"""Side of what the network sees, pixels."""
CHIP_LANDMARKS = [(47.5, 46.6), (100.5, 46.6), (74.0, 76.6), (50.4, 103.0), (97.6, 103.0)]
"""Eyes, nose and mouth corners in it: dlib's mean face, p to (0.25 + p) / 1.5 · 150."""
MEAN = (122.782, 117.001, 104.298)
BLOCKS = [(32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True)]
"""Of each size: channels, blocks, and whether the first block makes the picture smaller."""


class Block(nn.Module):
    """Two convolutions beside a way past them."""

    def __init__(self, before: int, channels: int, smaller: bool) -> None:
        super().__init__()
        stride = 2 if smaller else 1
        self.first = nn.Conv2d(before, channels, 3, stride, padding=0 if smaller else 1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.smaller = smaller

    def forward(self, x: Tensor) -> Tensor:
        """b×c×h×w; where the two ways differ in size, dlib adds zeros to the smaller."""
        y = self.second(F.relu(self.first(x)))
        past = F.avg_pool2d(x, 2) if self.smaller else x
        shape = [max(a, b) for a, b in zip(y.shape, past.shape, strict=True)]
        return F.relu(_grown(y, shape) + _grown(past, shape))


class Recognition(nn.Module):
    """b×3×150×150, RGB in [0, 255], to b×128: near for one person, far for two."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, stride=2)
        blocks, before = [], 32
        for channels, count, smaller in BLOCKS:
            for i in range(count):
                blocks.append(Block(before, channels, smaller and i == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, 128, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Embed."""
        x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / 256
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)
        embedded: Tensor = self.head(self.blocks(x).mean((2, 3)))
        return embedded


def load(path: Path | None = None) -> Recognition:
    """The network with dlib's weights.

    Args:
        path: of dlib's file; without it that of the package face-recognition-models.

    Raises:
        FileNotFoundError: when there is none.
    """
    if path is None:  # importing the package fails beside new versions of setuptools
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"{PACKAGE} is not there: pip install face-recognition-models")
        path = Path(spec.origin).parent / FILE
    network = Recognition()
    trained = _trained(path.read_bytes())
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            kernel, bias = torch.split(next(trained), [layer.weight.numel(), layer.out_channels])
            gain, shift = next(trained).chunk(2)  # the affine layer behind it, folded in
            layer.weight.data = kernel.view_as(layer.weight) * gain.view(-1, 1, 1, 1)
            layer.bias.data = bias * gain + shift
    network.head.weight.data = next(trained).view(-1, 128).T.contiguous()
    if next(trained, None) is not None:
        raise ValueError(f"{path} holds more layers than the network")
    return network.eval().requires_grad_(False)


def embed(network: Recognition, faces: Tensor) -> Tensor:
    """Aligned faces, n×3×s×s in [0, 1], to n×128."""
    matrix = similarity(CHIP_LANDMARKS, faces.shape[-1])  # from dlib's chip to the aligned face
    scale = float(np.linalg.norm(matrix[:, 0]))
    left, top = (matrix @ (-0.5, -0.5, 1) + 0.5).tolist()  # there is no turn worth the name
    box = (left, top, left + scale * CHIP, top + scale * CHIP)
    chips = []
    for face in faces:
        pixels = (face.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        chip = Image.fromarray(pixels).resize((CHIP, CHIP), Image.Resampling.BILINEAR, box)
        chips.append(torch.from_numpy(np.array(chip)).permute(2, 0, 1).float())
    return torch.cat([network(batch) for batch in torch.split(torch.stack(chips), 16)])


def _trained(data: bytes) -> Iterator[Tensor]:
    """The parameters of every layer that has some, in order.

    A layer's kind stands before them as a string: a byte for the length of its length, the
    length, the letters.
    """
    for kind in re.finditer(rb"\x01(?:\x05con_4|\x07affine_|\x04fc_2)", data):
        at = kind.end()
        if kind.group().endswith(b"fc_2"):
            at = _number(data, _number(data, at)[1])[1]  # outputs and inputs
        sizes = []
        for _ in range(5):  # the version of the format, then the tensor's four sizes
            size, at = _number(data, at)
            sizes.append(size)
        if sizes[0] != 2:
            raise ValueError(f"tensors of version {sizes[0]}, not 2")
        values = np.frombuffer(data, "<f4", int(np.prod(sizes[1:])), at)
        yield torch.from_numpy(values.astype(np.float32))


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A whole number as dlib packs it (a byte that counts bytes, and these), and where it ends."""
    end = at + 1 + (data[at] & 0x0F)
    return int.from_bytes(data[at + 1 : end], "little"), end


def _grown(x: Tensor, shape: list[int]) -> Tensor:
    pad = [
        n for size, now in zip(shape[:0:-1], x.shape[:0:-1], strict=True) for n in (0, size - now)
    ]
    return F.pad(x, pad) if any(pad) else x


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
