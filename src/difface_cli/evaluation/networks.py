"""From measures to the networks that take them; what is not here is told, and never fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from difface_cli import models
from difface_cli.base.errors import DifFaceError, UsageError, WeightsMissing
from difface_cli.evaluation import pixels
from difface_cli.evaluation.cache import Vector
from difface_cli.evaluation.catalogue import SINGLE, Measure
from difface_cli.evaluation.measurement import Instruments, OfPair, OfPicture, Picture
from difface_cli.faces import identity
from difface_cli.faces.detect import FaceDetector
from difface_cli.metrics import fidelity, landmarks, niqe, nrqm, perception
from difface_cli.weights.load import read_tensors
from difface_cli.weights.registry import Registry, Weights
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
    needed = [name for m in measures if m.name not in BY_PYIQA for name in m.weights]
    needed += [INCEPTION] if "inception" in features else []
    for name in dict.fromkeys(needed):
        weights = registry.weights[name]
        try:
            state = read_tensors(verified(weights), device)
            kept = BUILDERS[weights.network](state, device, slow, single)
            marks[kept] = fingerprint(weights)
        except (WeightsMissing, UsageError) as error:
            why = _why(error, weights)
            missing |= {m.name: why for m in measures if name in m.weights}
    missing |= _rate([m for m in measures if m.name in BY_PYIQA], registry, device, single, marks)
    there = tuple(m for m in measures if m.name not in missing)
    quick = pixels.quick(m.name for m in there)
    of_results = frozenset(m.name for m in there if m.of == SINGLE)
    tools = Instruments(quick, slow, single, marks, of_results)
    return Equipped(there, tools, MappingProxyType(missing))


def _why(error: DifFaceError, weights: Weights) -> str:
    """What a table says of a measure whose weights are not here, or whose library is not."""
    fetched = isinstance(error, WeightsMissing) and weights.remote
    return f"difface fetch-weights {weights.name}" if fetched else str(error)


def _rate(
    measures: Sequence[Measure],
    registry: Registry,
    device: torch.device,
    single: Single,
    marks: dict[str, str],
) -> dict[str, str]:
    """Add the measures by pyiqa; why some cannot be taken, by name."""
    missing = {}
    for measure in measures:
        try:
            single[measure.name], marks[measure.name] = _by_pyiqa(measure, registry, device)
        except UsageError as error:
            missing[measure.name] = str(error)
    return missing


def _by_pyiqa(measure: Measure, registry: Registry, device: torch.device) -> tuple[OfPicture, str]:
    """How a picture is rated, and what tells that from another version's or other weights' rate."""
    version = nrqm.version()
    known: list[Weights] = []
    paths: list[Path] = []
    for name in measure.weights:
        if name not in registry.weights:
            raise UsageError(f"No models.toml names the weights {name}.", OWN_BLOCK)
        known.append(registry.weights[name])
        try:
            paths.append(verified(known[-1]))
        except WeightsMissing as error:
            raise UsageError(_why(error, known[-1])) from None
    rate = BY_PYIQA[measure.name](paths, device)

    def rated(picture: Picture) -> Vector | None:
        return _alone(rate(picture.values))

    return rated, " ".join([version, *map(fingerprint, known)])


def _pi(paths: Sequence[Path], device: torch.device) -> nrqm.Rate:
    forest, statistics = paths
    return nrqm.build_pi(forest, _planes(read_tensors(statistics, torch.device("cpu"))), device)


BY_PYIQA: Mapping[str, Callable[[Sequence[Path], torch.device], nrqm.Rate]] = MappingProxyType(
    {"nrqm": lambda paths, device: nrqm.build_nrqm(paths[0], device), "pi": _pi}
)
"""Measures of one picture by pyiqa, from the files of their weights."""

OWN_BLOCK = (
    "Name the file NRQM_model.mat, with path and sha256, in a block [weights.nrqm] of your own "
    'models.toml: the README, "Measuring", has it.'
)


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


def _lpips(state: State, device: torch.device, slow: Slow, single: Single) -> str:
    network = perception.build_lpips(state, device)
    slow["lpips"] = lambda a, b, mask: perception.lpips_distance(network, a.values, b.values)
    return "lpips"


def _arcface(state: State, device: torch.device, slow: Slow, single: Single) -> str:
    network = identity.build_arcface(state, device)
    single["embedding"] = lambda picture: identity.embed(network, picture.rgb)
    return "embedding"


def _inception(state: State, device: torch.device, slow: Slow, single: Single) -> str:
    network = perception.build_inception(state, device)
    single["inception"] = lambda picture: perception.inception_features(network, picture.rgb)
    return "inception"


def _niqe(state: State, device: torch.device, slow: Slow, single: Single) -> str:
    natural = niqe.natural(_planes(state))
    single["niqe"] = lambda picture: _alone(niqe.niqe(picture.values, natural))
    return "niqe"


def _planes(state: State) -> dict[str, fidelity.Planes]:
    return {name: tensor.cpu().double().numpy() for name, tensor in state.items()}


def _alone(value: float | None) -> Vector | None:
    return None if value is None else np.array([value], np.float32)


BUILDERS: Mapping[str, Callable[[State, torch.device, Slow, Single], str]] = MappingProxyType(
    {"lpips": _lpips, "arcface": _arcface, "inception": _inception, "niqe": _niqe}
)
"""A network's name in models.toml → how it adds its instrument to those there are; its name."""
