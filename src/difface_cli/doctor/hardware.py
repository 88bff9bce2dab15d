"""Checks of devices, folders and disks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from difface_cli.base.errors import DifFaceError
from difface_cli.doctor.findings import FAILED, NOTE, OK, Finding

if TYPE_CHECKING:
    import torch

LEAST_ROOM, LITTLE_ROOM = 100e6, 2e9  # bytes: for a few photos, for fetching a model


def devices() -> Iterator[Finding]:
    """Every device, and the precisions it really computes in."""
    import torch

    from difface_cli.models import resolve_device, resolve_precision

    found = [torch.device("cpu")]
    found += [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    found += [torch.device("mps")] if torch.backends.mps.is_available() else []
    for device in found:
        native = resolve_precision("auto", device) is torch.bfloat16
        fine = [name for name in ("fp32", "bf16", "fp16") if _computes(device, name)]
        told = f"{_called(device)}; computes in {', '.join(fine) or 'nothing'}"
        told += f"; bf16 is {'native' if native else 'not native, fp32 is taken'}"
        state = OK if "fp32" in fine else FAILED
        yield Finding(str(device), state, told, "" if state == OK else "Use another --device.")
    yield Finding("device", OK, f"--device auto takes {resolve_device('auto')}")


def _called(device: torch.device) -> str:
    import torch

    from difface_cli.base.machine import processor

    if device.type == "cuda":
        told = torch.cuda.get_device_properties(device)
        return f"{told.name}, {told.total_memory / 1e9:.0f} GB"
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' * (threads > 1)}"


def _computes(device: torch.device, precision: str) -> bool:
    """Whether a convolution of ones gives what it must in this precision."""
    import torch

    from difface_cli.models import resolve_precision

    try:
        dtype = resolve_precision(precision, device)
        x = torch.ones(1, 8, 8, 8, device=device, dtype=dtype)
        y = torch.nn.functional.conv2d(x, torch.ones(4, 8, 3, 3, device=device, dtype=dtype))
        return bool((y.float() == 72).all())
    except (DifFaceError, RuntimeError):
        return False


def place(name: str, folder: Path) -> Iterator[Finding]:
    """A folder: whether files can be written there, and how much room it has."""
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    hint = f"Give yourself the right to write to {there}, or choose another folder."
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"difface")
            file.flush()
    except OSError as error:
        yield Finding(name, FAILED, f"{folder} cannot be written: {error.strerror}", hint)
        return
    free = shutil.disk_usage(there).free
    told = f"{folder.absolute()} can be written, {free / 1e9:.1f} GB are free"
    if free < LEAST_ROOM:
        yield Finding(name, FAILED, told, "Make room on this disk, or choose another folder.")
    elif free < LITTLE_ROOM:
        yield Finding(name, NOTE, told, "That is little for fetched models and large batches.")
    else:
        yield Finding(name, OK, told)
