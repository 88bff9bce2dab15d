"""Whether photos overlap: only where that does not take cores from the networks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from difface_cli.runs.session import Session
from difface_cli.tasks.options import Options


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
    nothing: Any = None
    session = Session(
        nothing, nothing, torch.device(device), torch.float32, options=Options(batch=batch)
    )
    assert session.overlaps is expected
