"""Whether photos overlap: only where that does not take cores from the networks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from difface_cli.cli.restoring import overlaps


@pytest.mark.parametrize(
    ("device", "threads", "cores", "batch", "expected"),
    [
        ("cpu", 2, 2, 0, False),
        ("cpu", 4, 2, 1, False),
        ("cpu", 1, 2, 0, True),
        ("cpu", 2, 2, 4, True),
        ("cuda", 2, 2, 0, True),
    ],
)
def test_overlaps(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    threads: int,
    cores: int,
    batch: int,
    expected: bool,
) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    monkeypatch.setattr("difface_cli.base.machine.cores", lambda: cores)
    session: Any = SimpleNamespace(
        device=torch.device(device), options=SimpleNamespace(batch=batch)
    )
    assert overlaps(session) is expected
