"""The size of network calls, on devices that take no more than so many faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch

from difface_cli.base.errors import DeviceError
from difface_cli.tasks.batches import Batches, default_batch, is_full

CPU = torch.device("cpu")


def full() -> Exception:
    """What PyTorch itself raises when this machine's memory does not do."""
    try:
        torch.empty(2**60, dtype=torch.uint8)
    except RuntimeError as error:
        return error
    raise AssertionError("2^60 bytes were found")


class Device:
    """Takes `most` items a call and raises `error` for more."""

    def __init__(self, most: int, error: Callable[[], Exception] = full) -> None:
        self.most, self.error = most, error
        self.asked: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.asked.append(len(items))
        if len(items) > self.most:
            raise self.error()
        return list(items)


def auto(size: int) -> Batches:
    batches = Batches(0, CPU)
    batches.size = size
    return batches


@pytest.mark.parametrize("error", [full, MemoryError, lambda: torch.OutOfMemoryError("CUDA")])
def test_only_the_failed_call_is_made_again_in_halves(error: Callable[[], Exception]) -> None:
    device, batches = Device(3, error), auto(8)
    assert list(batches.each(device, range(11))) == [[2 * k, 2 * k + 1] for k in range(5)] + [[10]]
    assert device.asked == [8, 4, 2, 2, 2, 2, 2, 1]
    assert batches.size == 2


def test_a_last_call_that_is_not_full_is_halved_by_what_it_had() -> None:
    device, batches = Device(2), auto(8)
    assert batches.first(device, [1, 2, 3]) == (1, [1])
    assert device.asked == [3, 1]


def test_one_face_too_many_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DeviceError) as error:
        list(auto(4).each(Device(0), range(4)))
    assert "smaller model" in error.value.hint


def test_a_size_of_the_users_is_kept() -> None:
    device = Device(3)
    with pytest.raises(DeviceError) as error:
        Batches(4, CPU).first(device, range(4))
    assert "--batch auto" in error.value.hint
    assert device.asked == [4]


def test_other_errors_go_on_as_they_are() -> None:
    device = Device(1, lambda: RuntimeError("a size that does not fit"))
    with pytest.raises(RuntimeError, match="does not fit"):
        auto(4).first(device, range(4))
    assert device.asked == [4]
    assert not is_full(ValueError("out of memory"))


def test_a_cpu_takes_one_face_a_call() -> None:
    assert default_batch(CPU) == 1
