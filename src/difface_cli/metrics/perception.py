"""Networks that pictures are compared by, from their authors' libraries: LPIPS, FID's Inception.

The only importer of both libraries. Parameters come from the caller: neither library's own
download is used, and nothing is unpickled from disk.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.base.tensors import to_batch

Pixels = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]

EXTRA = 'Install it with: pip install "difface-cli[metrics]".'
FEATURES = "2048"


def build_lpips(state: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    """LPIPS 0.1 (Zhang et al. 2018) on VGG-16, with the linear layers that lpips ships.

    Args:
        state: of torchvision's `vgg16().features`: "0.weight", "0.bias", "2.weight", …

    Raises:
        UsageError: when lpips is not installed.
        WeightsInvalid: when names or shapes differ from VGG-16's.
    """
    try:
        import lpips
    except ImportError:
        raise UsageError("LPIPS needs the library lpips.", EXTRA) from None
    with warnings.catch_warnings():  # torchvision's about lpips' way to ask for no weights
        warnings.simplefilter("ignore")
        network: Any = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    # lpips cuts VGG in slices and keeps the layers' numbers: "slice2.5.weight" is "5.weight".
    named = {name.partition(".")[2]: name for name in network.net.state_dict()}
    _fill(network.net, {named.get(name, name): tensor for name, tensor in state.items()}, "VGG-16")
    ready: nn.Module = network.to(device).eval().requires_grad_(False)
    return ready


def lpips_distance(network: nn.Module, a: Vector, b: Vector) -> float:
    """LPIPS of two pictures, h×w×3 in [0, 1]: 0 for equal ones."""
    device = next(network.parameters()).device
    x, y = (to_batch([picture], device) * 2 - 1 for picture in (a, b))
    with torch.inference_mode():
        return float(network(x, y))


def build_inception(state: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    """The Inception of FID (TensorFlow's of 2015) as torch-fidelity has it.

    Raises:
        UsageError: when torch-fidelity is not installed.
        WeightsInvalid: when names or shapes differ from its own.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise UsageError("FID needs the library torch-fidelity.", EXTRA) from None
    file = io.BytesIO()  # it takes its parameters from a file; this one never was on disk
    torch.save(dict(state), file)
    file.seek(0)
    try:
        network: nn.Module = FeatureExtractorInceptionV3("inception", [FEATURES], file)
    except RuntimeError as e:
        raise _unfit("FID's Inception", e) from None
    return network.to(device).eval()


def inception_features(network: Callable[[Tensor], Any], rgb: Pixels) -> Vector:
    """The 2048 features that FID is computed on.

    Args:
        network: as `build_inception` gives it: takes b×3×h×w uint8 of any size.
        rgb: h×w×3.
    """
    device = torch.device("cpu")
    if isinstance(network, nn.Module):
        device = next((p.device for p in network.parameters()), device)
    batch = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].to(device)
    with torch.inference_mode():
        (features,) = network(batch)
    return np.asarray(features[0].float().cpu().numpy())


def _fill(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as e:
        raise _unfit(name, e) from None


def _unfit(name: str, error: RuntimeError) -> WeightsInvalid:
    first = str(error).partition("\n")[2].partition("\n")[0].strip()
    return WeightsInvalid(
        f"These weights do not fit {name}: {first[:200]}", "Fetch them again, or check the source."
    )
