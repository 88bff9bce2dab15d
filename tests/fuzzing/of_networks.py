"""Bad lists of models, bad networks, bad files of tensors."""

from __future__ import annotations

import io
import os
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.numpy import save as save_numpy

from difface_cli.sweep import folder as sweep_folder
from difface_cli.weights import load, lock, registry
from difface_cli.weights.registry import Weights

from . import seeds
from .target import Target, put
from .trees import as_json, edited, json_files, toml_files, wrong

CPU = torch.device("cpu")
BUILT_IN = tomllib.loads(registry.builtin_path().read_text())
SMALL = {
    "unet": {
        **{"image_size": 16, "in_channels": 3, "model_channels": 32, "out_channels": 3},
        **{"num_res_blocks": 1, "attention_resolutions": [8], "channel_mult": [1, 2]},
        **{"num_head_channels": 32, "dropout": 0.0, "patch_size": 1},
    },
    "swinir": {
        **{"img_size": 16, "embed_dim": 12, "depths": [2], "num_heads": [3], "window_size": 8},
        **{"mlp_ratio": 2.0, "sf": 2, "unshuffle_scale": 2, "num_feat": 8, "residual": True},
    },
    "srcnn": {"in_chns": 3, "down_scale_factor": 4, "num_chns": 16, "depth": 3},
    "lama": {
        **{"ngf": 8, "n_downsampling": 2, "n_blocks": 1, "input_nc": 4, "output_nc": 3},
        "init_conv_kwargs": {"ratio_gin": 0, "ratio_gout": 0},
        "downsample_conv_kwargs": {"ratio_gin": 0, "ratio_gout": 0},
        "resnet_conv_kwargs": {"ratio_gin": 0.75, "ratio_gout": 0.75},
    },
}
BLOCKS = tuple({"weights": {name: block}} for name, block in BUILT_IN["weights"].items())


def models(data: bytes, folder: Path) -> None:
    """A user's models.toml on top of the built-in one."""
    known = registry.read(put(folder, "models.toml", data), registry.load())
    for name, weights in known.weights.items():
        if weights != BUILT_IN_WEIGHTS.get(name) and weights.network in SMALL:
            load.meta_network(weights)


BUILT_IN_WEIGHTS = registry.load().weights


@st.composite
def networks(draw: st.DrawFn) -> Weights:
    """Weights of a network with wrong parameters."""
    name = draw(st.sampled_from(sorted(SMALL)))
    params = draw(wrong((SMALL[name],)))
    return Weights("mine", "prior", name, params=params if isinstance(params, dict) else {})


# Files of tensors

ENTRY = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
HEADERS: tuple[Any, ...] = (
    {"a": ENTRY, "b": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]}},
    {"__metadata__": {"config": "{}"}, "a": ENTRY, "b": {**ENTRY, "data_offsets": [8, 24]}},
    {"a": {**ENTRY, "dtype": "I64", "shape": [2]}, "b": {**ENTRY, "data_offsets": [16, 32]}},
    {"a": {**ENTRY, "shape": [2**62, 2]}},
    {"a": {**ENTRY, "dtype": "F4"}, "b": {**ENTRY, "dtype": "BOOL", "data_offsets": [0, 4]}},
)
CLAIMS = st.sampled_from([None, None, None, 0, 1, 10, 100, 2**27, 2**40, 2**63, 2**64 - 1])
BODY = np.arange(8, dtype=np.float32).tobytes()
TENSORS = st.one_of(
    st.builds(
        seeds.safetensors,
        st.one_of(wrong(HEADERS).map(as_json), st.sampled_from(HEADERS)),
        st.one_of(st.just(BODY), st.binary(max_size=40)),
        CLAIMS,
    ),
    edited(save_numpy({"a": np.ones((3, 3), np.float32), "b": np.arange(4)}), seeds.npz()),
    st.deferred(lambda: edited(*pickles())),
)


def pickles() -> tuple[bytes, ...]:
    """What PyTorch saves, in its new form and in its old one."""
    made = []
    for new in (True, False):
        file = io.BytesIO()
        state = {"state_dict": {"a": torch.ones(2, 2), "b": torch.arange(3)}}
        torch.save(state, file, _use_new_zipfile_serialization=new)
        made.append(file.getvalue())
    return tuple(made)


def tensors(data: bytes, folder: Path) -> None:
    """A file of weights, whatever it is."""
    load.read_tensors(put(folder, "weights.bin", data), CPU)


TINY = Weights("tiny", "estimator", "srcnn", params=SMALL["srcnn"])


def network_file(data: bytes, folder: Path) -> None:
    """A file of weights into a network."""
    load.load_network(TINY, put(folder, "w.safetensors", data), CPU, torch.float32)


LOCKED = {
    "sources": {"url": "0" * 64},
    "files": {"a": {"sha256": "0" * 64, "size": 1, "source": "url", "source_sha256": "1" * 64}},
}


def locked(data: bytes, folder: Path) -> None:
    """models.lock."""
    put(folder, "models.lock", data)
    with patch.dict(os.environ, {"DIFFACE_HOME": str(folder)}):
        lock.read()


def face_file(data: bytes, folder: Path) -> None:
    """A cell's face."""
    sweep_folder.read_face(put(folder, "cell.safetensors", data))


TARGETS = {
    "models.toml": Target(toml_files(BUILT_IN, *BLOCKS), models),
    "network": Target(networks(), lambda weights, _: load.meta_network(weights)),
    "tensors": Target(TENSORS, tensors),
    "network file": Target(TENSORS, network_file),
    "face file": Target(TENSORS, face_file),
    "models.lock": Target(json_files(LOCKED), locked),
}
