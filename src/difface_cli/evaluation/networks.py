"""From measures to the networks that take them; what is not here is told, and never fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from difface_cli import models, perception
from difface_cli.errors import UsageError, WeightsMissing
from difface_cli.evaluation import plain
from difface_cli.evaluation.catalogue import Measure
from difface_cli.evaluation.kept import Vector
from difface_cli.evaluation.measuring import Instruments, OfPair, OfPicture, Picture
from difface_cli.faces import identity
from difface_cli.faces.detect import FaceDetector
from difface_cli.metrics import landmarks, niqe
from difface_cli.registry import Registry, Weights
from difface_cli.weights.load import read_tensors
from difface_cli.weights.store import fingerprint, verified

INCEPTION = "fid-inception"
BY_DETECTOR: Mapping[str, str] = MappingProxyType(
    {"lmd": "landmarks", "found": "landmarks", "fd-g": "detector", "fd-f": "detector"}
)
"""Measures that the face detector takes, and what it says of each picture for them."""


@dataclass(frozen=True)
class Equipped:
    """Instruments for the measures that can be taken, and why the others cannot."""

    measures: tuple[Measure, ...]
    instruments: Instruments
    missing: Mapping[str, str]


def equip(
    measures: Sequence[Measure],
    registry: Registry,
    detector: Weights,
    device: torch.device,
    features: Sequence[str] = (),
) -> Equipped:
    """Load what the measures need.

    Args:
        detector: of LMD and of the Fréchet distance in its features.
        features: "detector" or "inception", where they are wanted for their own sake.

    Raises:
        WeightsMissing, WeightsInvalid: when the detector cannot be loaded.
        WeightsInvalid, RegistryError: when weights that are here are not what they should be.
    """
    slow: dict[str, OfPair] = {}
    single: dict[str, OfPicture] = {}
    marks: dict[str, str] = {}
    missing: dict[str, str] = {}
    wanted = {BY_DETECTOR[m.name] for m in measures if m.name in BY_DETECTOR}
    if wanted := wanted | {name for name in features if name in OF_DETECTOR}:
        eyes = models.load_detector(detector, device)
        single |= {name: partial(OF_DETECTOR[name], eyes) for name in sorted(wanted)}
        marks |= dict.fromkeys(wanted, fingerprint(detector))
    needed = [m.weights for m in measures if m.weights]
    needed += [INCEPTION] if "inception" in features else []
    for name in dict.fromkeys(needed):
        weights = registry.weights[name]
        try:
            state = read_tensors(verified(weights), device)
            BUILDERS[weights.network](state, device, slow, single)
            marks |= dict.fromkeys(KEPT[weights.network], fingerprint(weights))
        except (WeightsMissing, UsageError) as error:
            why = (
                f"difface fetch-weights {name}" if isinstance(error, WeightsMissing) else str(error)
            )
            missing |= {m.name: why for m in measures if m.weights == name}
    there = tuple(m for m in measures if m.name not in missing)
    quick = plain.quick(m.name for m in there)
    return Equipped(there, Instruments(quick, slow, single, marks), MappingProxyType(missing))


def _landmarks(detector: FaceDetector, picture: Picture) -> Vector | None:
    found = landmarks.landmarks(detector, picture.rgb)
    return None if found is None else found.ravel().astype(np.float32)


OF_DETECTOR: Mapping[str, Callable[[FaceDetector, Picture], Vector | None]] = MappingProxyType(
    {
        "landmarks": _landmarks,
        "detector": lambda eyes, picture: landmarks.detector_features(eyes, picture.rgb),
    }
)

State = Mapping[str, Tensor]
Slow = dict[str, OfPair]
Single = dict[str, OfPicture]


def _lpips(state: State, device: torch.device, slow: Slow, single: Single) -> None:
    network = perception.build_lpips(state, device)
    slow["lpips"] = lambda a, b, mask: perception.lpips_distance(network, a.values, b.values)


def _arcface(state: State, device: torch.device, slow: Slow, single: Single) -> None:
    network = identity.build_arcface(state, device)
    single["embedding"] = lambda picture: identity.embed(network, picture.rgb)


def _inception(state: State, device: torch.device, slow: Slow, single: Single) -> None:
    network = perception.build_inception(state, device)
    single["inception"] = lambda picture: perception.inception_features(network, picture.rgb)


def _niqe(state: State, device: torch.device, slow: Slow, single: Single) -> None:
    natural = niqe.natural({name: tensor.cpu().double().numpy() for name, tensor in state.items()})

    def measure(picture: Picture) -> Vector | None:
        value = niqe.niqe(picture.values, natural)
        return None if value is None else np.array([value], np.float32)

    single["niqe"] = measure


BUILDERS: Mapping[str, Callable[[State, torch.device, Slow, Single], None]] = MappingProxyType(
    {"lpips": _lpips, "arcface": _arcface, "inception": _inception, "niqe": _niqe}
)
"""A network's name in models.toml → how it adds its instruments to those there are."""

KEPT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lpips": ("lpips",),
        "arcface": ("embedding",),
        "inception": ("inception",),
        "niqe": ("niqe",),
    }
)
"""A network's name → what is kept of it."""
