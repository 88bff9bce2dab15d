"""Which pixels of an aligned face are face, by facexlib's ParseNet."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from difface_cli.base.tensors import to_batch
from difface_cli.faces.resample import Array, Floats, shrink
from difface_cli.faces.retinaface import load_strictly

SIZE = 512
CLASSES = 19
OUTSIDE = (0, 14, 16, 17, 18)
"""ParseNet's classes that are left alone: background, hat, necklace, neck, clothes."""
SOFTNESS = 15.0  # pixels of SIZE; facexlib blurs twice by 11


def build_parsenet(state_dict: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    """facexlib's ParseNet for 512×512, in evaluation mode on `device`.

    Raises:
        WeightsInvalid: when names or shapes differ from the network's.
    """
    from facexlib.parsing.parsenet import ParseNet

    network: nn.Module = ParseNet(in_size=SIZE, out_size=SIZE, parsing_ch=CLASSES)
    load_strictly(network, state_dict, "ParseNet")
    return network.to(device).eval().requires_grad_(False)


def parse_mask(network: nn.Module, aligned: Floats) -> Floats:
    """How much each pixel belongs to the face, with hair, without hat, neck and clothes.

    Args:
        network: as `build_parsenet` gives it: b×3×512×512 in [-1, 1] to class logits first.
        aligned: s×s×3 RGB in [0, 1].

    Returns:
        s×s float32 in [0, 1], softly blurred. Not 0 at the border where a face touches it: take
        the minimum with `paste.face_mask`.
    """
    side = aligned.shape[0]
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    batch = to_batch([_resized(aligned, SIZE)], device) * 2 - 1
    with torch.inference_mode():
        classes = network(batch)[0].argmax(dim=1)[0].cpu().numpy()
    inside = np.isin(classes, OUTSIDE, invert=True).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), SOFTNESS, borderType=cv2.BORDER_REPLICATE)
    mask: Floats = _resized(soft, side).clip(0, 1)
    return mask


def _resized(pixels: Array, side: int) -> Floats:
    if pixels.shape[0] > side:
        return shrink(pixels, side / pixels.shape[0])
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
