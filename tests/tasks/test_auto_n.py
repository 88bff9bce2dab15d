"""Each face starts from its own N, whatever its company, and gives what that N gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoised
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.trust import auto_n
from difface_cli.trust.auto_n import Start
from difface_cli.trust.severity import Severity
from tests.tasks.test_restore import QUICK, TWO, photo, ready, restore

AUTO = replace(QUICK, auto_n=True, samples=2, settings=Settings(n=200, steps=3, eta=0.5))


def model() -> Ready:
    """One whose prior takes a timestep for each face."""
    plain = ready(TWO)

    def denoise(x: Tensor, t: int | Sequence[int]) -> Denoised:
        if isinstance(t, int):
            return plain.denoise(x, t)
        views = [plain.denoise(one, at) for one, at in zip(x.split(1), t, strict=True)]
        return Denoised(torch.cat([v.x0 for v in views]), torch.cat([v.eps for v in views]))

    return replace(plain, denoise=denoise)


@pytest.fixture(autouse=True)
def by_brightness(monkeypatch: pytest.MonkeyPatch) -> None:
    """The larger face starts from 100, the smaller from 2: fewer than the steps asked for."""
    seen: dict[bytes, int] = {}

    def start(face: Any, estimate: Any, max_n: int) -> Start:
        return Start(seen.setdefault(face.tobytes(), 2 if seen else 100), Severity(1.0, 1.0, 0.0))

    monkeypatch.setattr(auto_n, "start", start)


@pytest.mark.parametrize("batch", [1, 3])
def test_faces_of_one_photo_have_their_own_n(batch: int) -> None:
    both = restore(photo(), model(), replace(AUTO, batch=batch))
    assert [found.start.n for found in both.faces if found.start] == [100, 2]
    for index, n in enumerate((100, 2)):
        fixed = replace(AUTO, auto_n=False, settings=Settings(n=n, steps=min(3, n), eta=0.5))
        alone = restore(photo(), model(), replace(fixed, batch=batch))
        for one, other in zip(both.crops[index].restored, alone.crops[index].restored, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
        assert alone.faces[index].start is None
