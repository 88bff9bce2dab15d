"""facexlib's RetinaFace, built without its downloads, and its answers turned into pixels.

Deng et al. 2020. At every anchor the network answers with a box and five landmarks relative to
the anchor, and with the probability of a face.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from difface_cli.base.errors import RegistryError, WeightsInvalid
from difface_cli.faces.anchors import anchors, decode
from difface_cli.networks.retinaface import MobileRetinaFace

BACKBONES = ("resnet50", "mobile0.25")
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS_A_CELL = 2


class Answers(NamedTuple):
    """What the network says at each of A anchors of b pictures, in those pictures' pixels."""

    boxes: Tensor
    """b×A×4, x0, y0, x1, y1."""
    scores: Tensor
    """b×A, probability of a face."""
    landmarks: Tensor
    """b×A×5×2."""


def build_retinaface(
    backbone: str,
    *,
    state_dict: Mapping[str, Tensor],
    device: torch.device,
    relu_slope: float | None = None,
    min_sizes: list[list[int]] | None = None,
) -> nn.Module:
    """facexlib's RetinaFace with these weights, in evaluation mode on `device`.

    Args:
        backbone: "resnet50" or "mobile0.25".
        state_dict: a tensor for every parameter and statistic; "module." in front is ignored.
        relu_slope: the slope of every LeakyReLU below 0, where the weights were trained with
            another than facexlib's; 0 for plain ReLU.
        min_sizes: the two anchors of each of the three levels in pixels, where they were trained
            with others than facexlib's.

    Raises:
        RegistryError: for an unknown backbone, or anchors that no head answers for.
        WeightsInvalid: when names or shapes differ from the network's.
    """
    network = _facexlib(backbone, device)
    load_strictly(network, state_dict, f"RetinaFace {backbone}")
    _adapt(network, relu_slope, min_sizes)
    return network.eval().requires_grad_(False)


def folded(network: nn.Module) -> nn.Module:
    """A network as `build_retinaface` gives it, made quicker in place.

    Batch norms become part of the convolutions before them, and these lie channels last: half
    the time on a CPU, and the same answers to rounding.
    """
    for row in network.modules():
        if isinstance(row, nn.Sequential):
            for i in range(len(row) - 1):
                convolution, norm = row[i], row[i + 1]
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    row[i] = fuse_conv_bn_eval(convolution, norm).requires_grad_(False)
                    row[i + 1] = nn.Identity()
    return network.to(memory_format=torch.channels_last)


def trainable_retinaface(
    backbone: str,
    *,
    relu_slope: float | None = None,
    min_sizes: list[list[int]] | None = None,
) -> nn.Module:
    """facexlib's RetinaFace with random weights, on the CPU, to be trained.

    It takes what `prepared` gives, and answers with one tensor, b×A×16: four offsets, two logits
    (no face, face) and ten landmark coordinates at each anchor. Its parameters carry the names
    that `build_retinaface` reads.

    Args:
        backbone, relu_slope, min_sizes: see `build_retinaface`.

    Raises:
        RegistryError: see `build_retinaface`.
    """
    network = _facexlib(backbone, torch.device("cpu"))
    _adapt(network, relu_slope, min_sizes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, a=0.1, mode="fan_out" if module.groups == 1 else "fan_in"
            )
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    parts = cast(Any, network)
    for head in (*parts.ClassHead, *parts.BboxHead, *parts.LandmarkHead):
        nn.init.normal_(head.conv1x1.weight, std=0.01)
    for head in parts.ClassHead:  # nearly all anchors see no face
        head.conv1x1.bias.data = head.conv1x1.bias.new_tensor([1.0, -1.0]).repeat(ANCHORS_A_CELL)
    parts.phase = "train"  # logits in place of probabilities
    network.register_forward_hook(_joined)
    return network.train()


def _joined(network: nn.Module, inputs: Any, out: Sequence[Tensor]) -> Tensor:
    return torch.cat(tuple(out), dim=-1)


def _facexlib(backbone: str, device: torch.device) -> nn.Module:
    if backbone not in BACKBONES:
        raise RegistryError(
            f"There is no RetinaFace {backbone!r}.", f"Use one of: {', '.join(BACKBONES)}."
        )
    if backbone == "mobile0.25":
        return MobileRetinaFace().to(device)
    from facexlib.detection.retinaface import RetinaFace

    with warnings.catch_warnings():  # torchvision's about facexlib's way to ask for no weights
        warnings.simplefilter("ignore")
        network: nn.Module = RetinaFace(backbone, half=False, device=device)
    return network


def _adapt(network: nn.Module, relu_slope: float | None, min_sizes: list[list[int]] | None) -> None:
    if relu_slope is not None:
        for module in network.modules():
            if isinstance(module, nn.LeakyReLU):
                module.negative_slope = relu_slope
    if min_sizes is not None:
        settings = cast(Any, network)
        if [len(level) for level in min_sizes] != [ANCHORS_A_CELL] * len(settings.cfg["steps"]):
            raise RegistryError(
                f"RetinaFace has two anchors on each of three levels, not min_sizes = {min_sizes}.",
                "Write min_sizes as [[16, 32], [64, 128], [256, 512]].",
            )
        settings.cfg = {**settings.cfg, "min_sizes": min_sizes}


def load_strictly(network: nn.Module, state_dict: Mapping[str, Tensor], name: str) -> None:
    """Fill a network, taking "module." off the names.

    Raises:
        WeightsInvalid: naming the first names or shapes that differ.
    """
    state = {key.removeprefix("module."): tensor for key, tensor in state_dict.items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as e:
        first = str(e).partition("\n")[2].partition("\n")[0].strip()
        raise WeightsInvalid(
            f"These weights do not fit {name}: {first[:200]}",
            "Check the weights' params in models.toml.",
        ) from None


def prepared(pictures: Tensor) -> Tensor:
    """What the network takes: b×3×h×w RGB in [0, 255] → BGR without the mean, float32."""
    mean = torch.tensor(MEAN_BGR, device=pictures.device)[:, None, None]
    return pictures.flip(1) - mean


def backbone(network: nn.Module, pictures: Tensor) -> list[Tensor]:
    """What the backbone sees at its three stages, the deepest last.

    Args:
        network: as `build_retinaface` gives it.
        pictures: as `prepared` gives them.
    """
    body = cast(Any, network).body
    if type(body) is not nn.ModuleDict:  # torchvision's getter of layers runs by itself
        return list(body(pictures).values())
    seen: list[Tensor] = []
    for stage in body.values():
        pictures = stage(pictures)
        seen.append(pictures)
    return seen


def answer(network: nn.Module, pictures: Tensor) -> Answers:
    """Run the network.

    Args:
        network: as `build_retinaface` gives it: `cfg` has "min_sizes", "steps" and "variance".
        pictures: b×3×h×w RGB in [0, 255], on the network's device.
    """
    offsets, probabilities, points = network(prepared(pictures))
    cfg = cast(Any, network).cfg
    centres, sides = anchors(
        pictures.shape[2],
        pictures.shape[3],
        tuple(tuple(level) for level in cfg["min_sizes"]),
        tuple(cfg["steps"]),
    )
    centres, sides = centres.to(pictures.device), sides.to(pictures.device)
    boxes, landmarks = decode(offsets, points, centres, sides, cfg["variance"])
    return Answers(boxes, probabilities[..., 1], landmarks)
