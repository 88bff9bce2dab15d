"""How alike two faces are to a network that tells people apart: facexlib's ArcFace.

Deng et al. 2019. It measures how well a restoration keeps the likeness of a known reference, as
the paper's IDS does; it names nobody, and what was drawn by a model is no evidence of identity.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from difface_cli.base.tensors import to_batch
from difface_cli.faces.resample import Array
from difface_cli.faces.retinaface import load_strictly

SIDE = 112
# The part of an FFHQ-aligned face that is about the crop ArcFace was trained on, of 256 pixels.
TOP, BOTTOM, LEFT, RIGHT = 35, 223, 32, 220
WHOLE = 256


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
