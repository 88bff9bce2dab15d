"""Whether a file fits a network that is not the paper's own: detectors, parsers, measures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from difface_cli.faces.identity import build_arcface
from difface_cli.faces.parse import build_parsenet
from difface_cli.faces.retinaface import build_retinaface
from difface_cli.metrics import niqe, perception
from difface_cli.models import background
from difface_cli.weights.convert import Check, Form
from difface_cli.weights.registry import Weights

CPU = torch.device("cpu")


def _retinaface(weights: Weights, state: Mapping[str, Tensor]) -> None:
    build_retinaface(weights.params.get("backbone", "resnet50"), state_dict=state, device=CPU)


def _parsenet(weights: Weights, state: Mapping[str, Tensor]) -> None:
    build_parsenet(state, CPU)


def _spandrel(weights: Weights, state: Mapping[str, Tensor]) -> None:
    background.build(weights, state, CPU)


def _arcface(weights: Weights, state: Mapping[str, Tensor]) -> None:
    build_arcface(state, CPU)


def _lpips(weights: Weights, state: Mapping[str, Tensor]) -> None:
    perception.build_lpips(state, CPU)


def _inception(weights: Weights, state: Mapping[str, Tensor]) -> None:
    perception.build_inception(state, CPU)


def _niqe(weights: Weights, state: Mapping[str, Tensor]) -> None:
    niqe.natural({name: tensor.numpy() for name, tensor in state.items()})


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "retinaface": _retinaface,
        "parsenet": _parsenet,
        "spandrel": _spandrel,
        "arcface": _arcface,
        "lpips": _lpips,
        "inception": _inception,
        "niqe": _niqe,
    }
)


def form(dtype: str | None) -> Form:
    """How files are converted, with all these checks.

    Args:
        dtype: "fp32" or "fp16"; None keeps the file's own.
    """
    kinds = {"fp32": torch.float32, "fp16": torch.float16, None: None}
    return Form(kinds[dtype], CHECKS)
