"""Whether a file fits a network that is not the paper's own: detectors, parsers, measures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from difface_cli.faces.identity import build_arcface, build_dlib
from difface_cli.faces.parse import build_parsenet
from difface_cli.faces.retinaface import build_retinaface
from difface_cli.metrics import niqe, perception
from difface_cli.models import background
from difface_cli.weights.convert import Check, Form

CPU = torch.device("cpu")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "retinaface": lambda weights, state: build_retinaface(
            weights.params.get("backbone", "resnet50"), state_dict=state, device=CPU
        ),
        "parsenet": lambda weights, state: build_parsenet(state, CPU),
        "spandrel": lambda weights, state: background.build(weights, state, CPU),
        "arcface": lambda weights, state: build_arcface(state, CPU),
        "dlib": lambda weights, state: build_dlib(state, CPU),
        "lpips": lambda weights, state: perception.build_lpips(state, CPU),
        "inception": lambda weights, state: perception.build_inception(state, CPU),
        "niqe": lambda weights, state: niqe.natural({k: v.numpy() for k, v in state.items()}),
    }
)


def form(dtype: str | None) -> Form:
    """How files are converted, with all these checks.

    Args:
        dtype: "fp32" or "fp16"; None keeps the file's own.
    """
    kinds = {"fp32": torch.float32, "fp16": torch.float16, None: None}
    return Form(kinds[dtype], CHECKS)
