"""Files of tensors, by what they are and not by their name; nothing in a file is ever run."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from difface_cli.base.errors import WeightsInvalid

AGAIN = "Fetch or copy the file again."
# What the authors' training code and Lightning wrap a state dict in; averaged weights first.
WRAPPERS = ("params_ema", "params", "state_dict")
MATLAB = b"MATLAB "
MAP_BYTES = 64 * 2**20


def is_safetensors(path: Path, name: str = "") -> bool:
    """Whether a file is safetensors; otherwise it looks like something PyTorch saved.

    Args:
        name: what it was published as, where it lies under another name.

    Raises:
        WeightsInvalid: when it is neither, or not what its name says.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as f:
            head = f.read(9)
    except OSError as e:
        raise WeightsInvalid(f"{path} cannot be read: {e.strerror}.", AGAIN) from None
    if head.startswith(MATLAB):
        raise WeightsInvalid(
            f"{path} is a file of MATLAB: such weights are used where they lie.",
            "Name it with path in its block of your models.toml.",
        )
    named = (name or path.name).endswith(".safetensors")
    described = head[8:] == b"{"
    if not described and head.startswith((b"PK\x03\x04", b"\x80")):
        if named:
            raise WeightsInvalid(
                f"{path} is called safetensors and is a pickle, which can hold code.",
                "Do not use it; get the file from a source you trust.",
            )
        return False
    header = int.from_bytes(head[:8], "little")
    if not described and not named:
        raise WeightsInvalid(f"{path} is no file of weights: it is damaged or cut off.", AGAIN)
    if not described or header > size - 8:
        claim = f"its header claims {header:,} bytes" if len(head) >= 8 else "it has no header"
        raise WeightsInvalid(
            f"{path} is damaged or cut off: {claim}, the file has {size:,}.", AGAIN
        )
    return True


def read(path: Path, name: str = "") -> dict[str, Tensor]:
    """The tensors of a file by name, mapped from disk where the format allows, on the CPU.

    A pickle is read with `weights_only`, so that nothing in it can run, and so are numpy's arrays
    (npz). What wraps a state dict
    and the prefix "module." of parallel training are taken off.

    Args:
        name: what the file was published as, where it lies under another name.

    Raises:
        WeightsInvalid: when the file is damaged, or holds anything but tensors.
    """
    if is_safetensors(path, name):
        return dict(stream(path))
    if _is_npz(path):
        return _arrays(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old protocols: what matters is an error
            loaded = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as e:
        raise WeightsInvalid(
            f"{path} needs more than tensors to open ({_demand(e)}); it could run code and is "
            "not opened.",
            "Do not use it; get the file from a source you trust.",
        ) from None
    except Exception as e:  # torch names no one error for a damaged file
        raise _damaged(path, e) from None
    return _state(path, loaded)


def _is_npz(path: Path) -> bool:
    """Whether a zip archive is numpy's: arrays, where PyTorch's has a pickle and storages."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # no archive, or a damaged one: the reader raises nearly anything
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _arrays(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(np.ascontiguousarray(file[name])) for name in file}
    except Exception as e:  # as above
        raise _damaged(path, e) from None


def stream(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a safetensors file one after the other, mapped.

    The map is renewed every 64 MB: what the caller did not keep leaves memory by then.

    Raises:
        WeightsInvalid: when the file is damaged.
    """
    try:
        with safe_open(path, "pt") as f:
            names = list(f.offset_keys())
        while names:
            taken = 0
            with safe_open(path, "pt") as f:
                while names and taken < MAP_BYTES:
                    tensor = f.get_tensor(names[0])
                    taken += tensor.nbytes
                    yield names.pop(0), tensor
                    del tensor
    except (SafetensorError, RuntimeError, OSError, ValueError) as e:
        raise _damaged(path, e) from None


def _state(path: Path, loaded: Any) -> dict[str, Tensor]:
    if isinstance(loaded, dict):
        for wrapper in WRAPPERS:
            if isinstance(loaded.get(wrapper), dict):
                loaded = loaded[wrapper]
                break
    if not isinstance(loaded, dict) or not loaded or not all(map(_plain, loaded.items())):
        raise WeightsInvalid(
            f"{path} holds no state dict of tensors.", "Name the file with the network's weights."
        )
    return {name.removeprefix("module."): tensor for name, tensor in loaded.items()}


def _plain(item: tuple[Any, Any]) -> bool:
    name, value = item
    return isinstance(name, str) and isinstance(value, Tensor) and value.layout == torch.strided


def _demand(error: Exception) -> str:
    found = re.search(r"GLOBAL (\S+)", str(error))
    return found[1] if found else str(error).partition("\n")[0][:100]


def _damaged(path: Path, error: Exception) -> WeightsInvalid:
    reason = str(error).partition("\n")[0][:200]
    return WeightsInvalid(f"{path} is damaged or cut off: {reason}", AGAIN)
