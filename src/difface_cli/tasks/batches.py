"""How many faces a network call takes, and what is done when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from difface_cli.base.errors import DeviceError

T = TypeVar("T")
R = TypeVar("R")

AUTO = 0
FULL = ("DefaultCPUAllocator", "not enough memory", "out of memory", "could not create a memory")
"""What PyTorch's plain RuntimeErrors say where memory runs out on a CPU or on MPS."""


class Batches:
    """Cuts work into network calls of `size` faces.

    A size the device chose (`AUTO`) is halved for good when memory runs out, and only the call
    that failed is made again, in parts. Noise belongs to the face, so nothing else changes.
    """

    def __init__(self, asked: int, device: torch.device) -> None:
        self.adapts = asked == AUTO
        self.size = asked or default_batch(device)

    def first(self, work: Callable[[Sequence[T]], R], items: Sequence[T]) -> tuple[int, R]:
        """Do as many of the items as one call takes, from the first: their number, and the result.

        Raises:
            DeviceError: when memory runs out for one, or for a size that the user asked for.
        """
        while True:
            part = items[: self.size]
            try:
                return len(part), work(part)
            except (RuntimeError, MemoryError) as error:
                if not is_full(error):
                    raise
                if not self.adapts or len(part) == 1:
                    raise _too_small(len(part)) from None
            # Only here, with the error gone, is what its traceback held free.
            self.size = len(part) // 2
            _release()

    def each(self, work: Callable[[Sequence[T]], R], items: Sequence[T]) -> Iterator[R]:
        """Do all items, call by call; raises as `first`."""
        done = 0
        while done < len(items):
            count, result = self.first(work, items[done:])
            done += count
            yield result


def default_batch(device: torch.device) -> int:
    """Faces a network call.

    On the CPU one: larger batches gain little there, and kernels that add up in another order
    for another batch would let a face's last bit depend on its company. On CUDA one for every
    2 GB of the device, 32 at most: a rule of thumb, and too many are halved.
    """
    if device.type == "cpu":
        return 1
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        return int(min(32, max(1, memory // 2**31)))
    return 8


def is_full(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in FULL)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn full memory into the DeviceError that says what to do, where nothing can be halved."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        raise _too_small(1) from None


def _too_small(faces: int) -> DeviceError:
    smaller = "--device cpu, or a smaller model" if faces == 1 else "--batch auto, or --batch 1"
    return DeviceError("The device ran out of memory.", f"Use {smaller}.")


def _release() -> None:
    """Give back what nobody holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
