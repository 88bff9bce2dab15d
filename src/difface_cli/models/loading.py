"""From a model's name to networks that are ready to run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from difface_cli.base.errors import DeviceError
from difface_cli.faces.detect import FaceDetector, build_retinaface
from difface_cli.faces.identity import build_arcface, build_dlib, embed
from difface_cli.faces.likeness import Likeness, Recognition
from difface_cli.faces.parse import build_parsenet, parse_mask
from difface_cli.faces.retinaface import folded
from difface_cli.method.denoiser import BatchDenoiser, from_network
from difface_cli.method.difface import Estimator
from difface_cli.method.perturbation import guided
from difface_cli.method.schedule import Schedule, linear
from difface_cli.models import background as upscaling
from difface_cli.models import inference
from difface_cli.models.background import Upscaler
from difface_cli.weights import dlib
from difface_cli.weights.load import read_tensors
from difface_cli.weights.registry import Model, Registry, Weights
from difface_cli.weights.store import fingerprint, verified

ARCFACE, DLIB = "arcface", "dlib"  # the models of models.toml that tell people apart
DEVICES = ("auto", "cpu", "cuda", "mps")
log = logging.getLogger(__name__)

PRECISIONS: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "fp32": torch.float32,
        "tf32": torch.float32,
        "bf16": torch.bfloat16,
        "fp16": torch.float16,
    }
)


Floats = npt.NDArray[np.float32]
Parser = Callable[[Floats], Floats]  # s×s×3 in [0, 1] → mask, s×s in [0, 1]


@dataclass(frozen=True)
class Ready:
    """A model whose networks stand on their device.

    Attributes:
        estimator: f; leaves a face as it is where the model's task needs none.
        perturbed: the prior with its attention perturbed, see `method.perturbation`.
        parser: tells the face from what is before it.
        background: enlarges what is not a face.
        compiled: whether torch.compile translated the prior.
        hashes: weights' name → sha256 of the file at its source, of all that was loaded.
        max_n: the largest N the prior was trained for.
        likeness: tells how alike a drawn face is to a person, where that is asked for.
        recognition: tells how far faces are from each other, where its network is installed.
    """

    model: Model
    estimator: Estimator
    denoise: BatchDenoiser
    perturbed: BatchDenoiser
    schedule: Schedule
    detector: FaceDetector | None
    parser: Parser | None
    background: Upscaler | None
    device: torch.device
    dtype: torch.dtype
    hashes: Mapping[str, str]
    max_n: int = 999
    likeness: Likeness | None = None
    recognition: Recognition | None = None
    compiled: bool = False

    def prior(self, guidance: float) -> BatchDenoiser:
        """The denoiser with as much guidance, see `method.perturbation`."""
        return guided(self.denoise, self.perturbed, guidance)


def load(
    registry: Registry,
    model: Model,
    device: torch.device,
    dtype: torch.dtype,
    *,
    detector: bool = True,
    detect_size: int = 1280,
    compiled: bool = False,
) -> Ready:
    """Load a model's parts.

    Args:
        detector: whether faces must be found; aligned faces need none.
        detect_size: longest side of the copy that faces are looked for in, pixels.
        compiled: whether the prior is translated by torch.compile, see `inference`.

    Raises:
        WeightsMissing, WeightsInvalid, RegistryError: see `weights`.
        DeviceError: when this machine cannot compile.
    """
    used = [prior := _part(registry, model, "prior")]
    if guess := registry.part(model, "estimator"):
        used.append(guess)
    network = inference.load(prior, device, dtype, compiled=compiled)
    schedule = linear()

    find = parser = background = None
    if detector:
        used.append(eyes := _part(registry, model, "detector"))
        if marks := registry.part(model, "landmarks"):
            used.append(marks)
        find = load_detector(eyes, device, detect_size, marks)
    if detector and (outline := registry.part(model, "parser")):
        used.append(outline)
        parser = load_parser(outline, device)
    if enlarger := registry.part(model, "background"):
        used.append(enlarger)
        background = load_background(enlarger, device)
    return Ready(
        model=model,
        estimator=load_estimator(registry, model, device, dtype),
        denoise=from_network(network, schedule, prior.predicts),
        perturbed=from_network(partial(network, perturbed=True), schedule, prior.predicts),
        schedule=schedule,
        detector=find,
        parser=parser,
        background=background,
        device=device,
        dtype=dtype,
        hashes=MappingProxyType({weights.name: fingerprint(weights) for weights in used}),
        max_n=max_n(registry, model),
        compiled=compiled,
    )


def with_part(registry: Registry, model: Model, part: str, task: str, name: str) -> Model:
    """The model with one part taken from another model, one of this task.

    Another detector tells landmarks itself.

    Args:
        name: of that model, or of the weights themselves.

    Raises:
        RegistryError: when there is no such other model.
    """
    known = registry.weights.get(name)
    taken = name if known and known.part == part else registry.model(name, task).parts[part]
    kept = {k: v for k, v in model.parts.items() if (part, k) != ("detector", "landmarks")}
    return replace(model, parts=MappingProxyType({**kept, part: taken}))


PART_TASKS = {
    "estimator": "restore",
    "detector": "detect",
    "parser": "parse",
    "background": "background",
}


def with_parts(registry: Registry, model: Model, **names: str | None) -> Model:
    """The model with the parts that the user named put in.

    Args:
        names: part → name of a model for the part's task, None to keep the model's own.

    Raises:
        RegistryError: see `with_part`.
    """
    for part, name in names.items():
        if name is not None:
            model = with_part(registry, model, part, PART_TASKS[part], name)
    return model


def max_n(registry: Registry, model: Model) -> int:
    """The largest N the model's prior was trained for."""
    return min(_part(registry, model, "prior").max_timestep, len(linear()) - 1)


def load_detector(
    weights: Weights,
    device: torch.device,
    detect_size: int = 1280,
    landmarks: Weights | None = None,
) -> FaceDetector:
    """A face detector, in float32 whatever the precision: boxes need it and it is cheap.

    Args:
        landmarks: of the network that tells the landmarks, where it is another one.
    """
    finer = None if landmarks is None else _retinaface(landmarks, device)
    return FaceDetector(_retinaface(weights, device), device, detect_size=detect_size, finer=finer)


def _retinaface(weights: Weights, device: torch.device) -> nn.Module:
    params = dict(weights.params)
    network = build_retinaface(
        params.pop("backbone", "resnet50"),
        state_dict=read_tensors(verified(weights), device),
        device=device,
        **params,
    )
    return folded(network)


def load_parser(weights: Weights, device: torch.device) -> Parser:
    """ParseNet, in float32."""
    network = build_parsenet(read_tensors(verified(weights), device), device)
    return partial(parse_mask, network)


def with_likeness(registry: Registry, ready: Ready) -> Ready:
    """The model with what tells how alike a face drawn and the face found are, in float32.

    Raises:
        RegistryError, WeightsMissing, WeightsInvalid: see `weights`.
    """
    weights = _part(registry, registry.model(ARCFACE, "metrics"), "metrics")
    network = build_arcface(read_tensors(verified(weights), ready.device), ready.device)
    hashes = MappingProxyType({**ready.hashes, weights.name: fingerprint(weights)})
    return replace(ready, likeness=Likeness(partial(embed, network)), hashes=hashes)


def with_recognition(registry: Registry, ready: Ready) -> Ready:
    """The model with dlib's network, in float32. It measures; no pixel follows from it.

    Raises:
        RegistryError, WeightsMissing, WeightsInvalid: see `weights`.
    """
    weights = _part(registry, registry.model(DLIB, "metrics"), "metrics")
    network = build_dlib(dlib.read(verified(weights)), ready.device)
    return replace(ready, recognition=Recognition(network))


def load_background(weights: Weights, device: torch.device) -> Upscaler:
    """A super-resolution network, in float32.

    Raises:
        UsageError: when spandrel is not installed.
    """
    return upscaling.build(weights, read_tensors(verified(weights), device), device)


def load_estimator(
    registry: Registry, model: Model, device: torch.device, dtype: torch.dtype
) -> Estimator:
    """The model's estimator by itself: f, from b×3×h×w in [0, 1] to the same shape.

    A model for a task that needs none leaves a face as it is.
    """
    weights = registry.part(model, "estimator")
    if weights is None:
        return _unchanged
    network = inference.load(weights, device, dtype)

    def estimate(y: Tensor) -> Tensor:
        x: Tensor = network(y.to(dtype))
        return x.to(y.dtype)

    return estimate


def _unchanged(y: Tensor) -> Tensor:
    return y


def _part(registry: Registry, model: Model, part: str) -> Weights:
    weights = registry.part(model, part)
    if weights is None:  # the registry refuses restoring models without their parts
        raise KeyError(f"model {model.name} has no {part}")
    return weights


def resolve_device(name: str) -> torch.device:
    """The device of this name; "auto" takes the fastest there is.

    Raises:
        DeviceError: when this machine does not have it.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, found in there.items() if found)
    if not there[name]:
        found = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise DeviceError(
            f"PyTorch finds no {name} device on this machine.",
            f"Use --device auto, or one of: {found}.",
        )
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of this name; "auto" takes bfloat16 where the device computes in it natively.

    On CUDA, "tf32" lets float32 products round their factors to 10 bits of fraction, which is
    set for the whole process; all other names forbid it.

    Raises:
        DeviceError: for float16 on a CPU, which has no fast arithmetic for it, and for "tf32"
            elsewhere than on CUDA.
    """
    if name == "tf32" and device.type != "cuda":
        raise DeviceError(
            f"tf32 is a precision of CUDA, not of {device.type}.", "Use --precision auto or fp32."
        )
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        torch.backends.cudnn.allow_tf32 = name == "tf32"
    if name == "auto":
        return torch.bfloat16 if _computes_bf16(device) else torch.float32
    if name == "fp16" and device.type == "cpu":
        raise DeviceError(
            "A CPU does not compute in fp16.", "Use --precision auto, bf16 or fp32 on the CPU."
        )
    if name == "bf16" and not _computes_bf16(device):
        log.warning(
            "this processor has no instructions for bf16: it takes many times as long as fp32"
        )
    return PRECISIONS[name]


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Emulated bfloat16 is slower than float32; PyTorch names the instructions only privately.
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return False
