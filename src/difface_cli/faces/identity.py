"""How alike two faces are to networks that tell people apart: facexlib's ArcFace, and dlib's.

ArcFace (Deng et al. 2019) measures how well a restoration keeps the likeness of a known reference,
as the paper's IDS does; dlib's network (King 2017) is the smaller one that can be installed. They
name nobody, and what was drawn by a model is no evidence of identity.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.base.tensors import to_batch
from difface_cli.faces.align import similarity
from difface_cli.faces.resample import Array
from difface_cli.faces.retinaface import load_strictly
from difface_cli.networks.recognition import SIDE as SIDE_OF_CHIP
from difface_cli.networks.recognition import FaceResNet

SIDE = 112
# The part of an FFHQ-aligned face that is about the crop ArcFace was trained on, of 256 pixels.
TOP, BOTTOM, LEFT, RIGHT = 35, 223, 32, 220
WHOLE = 256
# Eyes, nose and corners of the mouth in dlib's chip of 150 pixels: its mean face, p to
# (0.25 + p) / 1.5 · 150.
CHIP_LANDMARKS = ((47.5, 46.6), (100.5, 46.6), (74.0, 76.6), (50.4, 103.0), (97.6, 103.0))
SAME_PERSON = 0.5
"""dlib's distance below which two good photos show one person: of 243 people 93 % of the true pairs
lie below it and 0.03 % of the false ones. At dlib's own 0.6 it is 1.5 % of the false pairs among
white people and 9 % among Black people."""


def build_arcface(state_dict: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    """facexlib's ArcFace, an IR-SE-50, in evaluation mode on `device`.

    Raises:
        WeightsInvalid: when names or shapes differ from the network's.
    """
    from facexlib.recognition.arcface_arch import Backbone

    network: nn.Module = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se")
    load_strictly(network, state_dict, "ArcFace IR-SE-50")
    return network.to(device).eval().requires_grad_(False)


def embed(network: nn.Module, aligned: Array) -> npt.NDArray[np.float32]:
    """The embedding of an aligned face, 512 numbers of length 1.

    Args:
        network: as `build_arcface` gives it: b×3×112×112 RGB in [-1, 1] to b×512.
        aligned: h×w×3 uint8, the whole aligned face at any size.
    """
    height, width = aligned.shape[:2]
    rows = slice(round(TOP * height / WHOLE), round(BOTTOM * height / WHOLE))
    columns = slice(round(LEFT * width / WHOLE), round(RIGHT * width / WHOLE))
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    batch = to_batch([aligned[rows, columns]], device) / 127.5 - 1
    with torch.inference_mode():
        small = F.interpolate(batch, (SIDE, SIDE), mode="area")
        return np.asarray(network(small)[0].float().cpu().numpy())


def build_dlib(state_dict: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    """dlib's recognition network in evaluation mode on `device`.

    Raises:
        WeightsInvalid: when names or shapes differ from the network's.
    """
    network = FaceResNet()
    load_strictly(network, state_dict, "dlib's recognition network")
    return network.to(device).eval().requires_grad_(False)


def chip(aligned: Tensor) -> Tensor:
    """What dlib's network sees of aligned faces, b×3×s×s of any range: b×3×150×150.

    Linear in the faces, so that a gradient finds its way back.
    """
    side = aligned.shape[-1]
    matrix = torch.from_numpy(similarity(CHIP_LANDMARKS, side)).to(aligned)  # chip to face, pixels
    places = torch.arange(SIDE_OF_CHIP, device=aligned.device, dtype=aligned.dtype)
    y, x = torch.meshgrid(places, places, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1) @ matrix.T
    grid = (2 * points + 1) / side - 1
    scale = float(torch.linalg.vector_norm(matrix[:, 0]))  # face's pixels for one of the chip
    if scale > 1:  # a point would miss most of the pixels it stands for
        small = max(1, round(side / scale))
        aligned = F.interpolate(aligned, (small, small), mode="area")
    return F.grid_sample(aligned, grid.expand(len(aligned), -1, -1, -1), align_corners=False)


def describe(network: nn.Module, aligned: Array) -> npt.NDArray[np.float32]:
    """dlib's description of an aligned face, 128 numbers.

    Args:
        network: as `build_dlib` gives it.
        aligned: h×w×3 uint8, the whole aligned face at any size.
    """
    device = next(p.device for p in network.parameters())
    with torch.inference_mode():
        return np.asarray(network(chip(to_batch([aligned], device)))[0].float().cpu().numpy())
