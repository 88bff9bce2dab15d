"""What is known before drawing is used before drawing, and every sample is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoised
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.tasks import Engine, Restore, Result, Scene
from difface_cli.tasks.drawing import _Face
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Cut
from difface_cli.trust import auto_n, gate, severity
from difface_cli.trust.auto_n import Start
from difface_cli.trust.severity import Severity
from tests.tasks.test_restore import QUICK, SHA, TWO, photo, ready

AUTO = replace(QUICK, auto_n=True, gate="on")
SEVERE = Severity(blur=5.0, scale=1.0, noise=0.0)


def counting(calls: list[int]) -> Ready:
    plain = ready(TWO)

    def denoise(x: Tensor, t: Any) -> Denoised:
        calls.append(len(x))
        return plain.denoise(x, t if isinstance(t, int) else t[0])

    return replace(plain, denoise=denoise)


def run(model: Ready, options: Options) -> Result:
    before = photo()
    return Engine(model, Restore(), options).run(Scene(before, before, SHA))


@pytest.mark.parametrize("auto", [True, False])
def test_a_face_as_good_as_its_estimate_is_left_alone_without_a_call(
    auto: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimator of this model gives back what it sees, and its photo is noise, which counts."""
    monkeypatch.setattr(severity, "noise", lambda *_: 0.0)
    calls: list[int] = []
    result = run(counting(calls), replace(AUTO, auto_n=auto))
    assert calls == []
    assert all("already as good" in found.skipped for found in result.faces)
    assert all((found.start is not None) == auto for found in result.faces)
    run(counting(calls), replace(AUTO, gate="off"))
    assert calls


def test_force_draws_it_all_the_same() -> None:
    calls: list[int] = []
    assert len(run(counting(calls), replace(AUTO, gate="force")).crops) == 2
    assert calls


@pytest.mark.parametrize(("n", "steps"), [(260, 50), (130, 25), (52, 10), (20, 5), (3, 3)])
def test_a_small_n_keeps_the_stride_and_takes_fewer_calls(n: int, steps: int) -> None:
    face = _Face(
        0, Cut(np.zeros((4, 4, 3), np.float32), np.eye(2, 3)), (1,), start=Start(n, SEVERE)
    )
    asked = Settings(n=260, steps=50)
    assert face.settings(asked) == replace(asked, n=n, steps=steps)
    assert face.settings(replace(asked, steps=2)).steps == 2 < auto_n.FEWEST_STEPS


def test_every_sample_is_judged_and_a_bad_one_alone_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second sample of each face is refused: its photo keeps the faces it had."""
    answers = iter(["", "it moved the eyes", ""] * 2)
    monkeypatch.setattr(gate, "estimated", lambda *_: "")
    monkeypatch.setattr(gate, "after", lambda *_: next(answers))
    before = photo()
    options = replace(QUICK, gate="on", samples=3)
    result = Engine(ready(TWO), Restore(), options).run(Scene(before, before, SHA))
    assert [dict(found.refused) for found in result.faces] == [{1: "it moved the eyes"}] * 2
    changed = [bool((after.pixels != before.pixels).any()) for after in result.photos]
    assert changed == [True, False, True]


def test_of_samples_to_choose_from_none_that_is_refused_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = replace(QUICK, gate="on", samples=3, choose="sharpness")
    free = run(ready(TWO), replace(options, gate="off"))
    best = [found.choice.sample for found in free.faces if found.choice]
    reasons = [["moved" if k == b else "" for k in range(3)] for b in best]
    answers = iter([reason for face in reasons for reason in face])
    monkeypatch.setattr(gate, "estimated", lambda *_: "")
    monkeypatch.setattr(gate, "after", lambda *_: next(answers))
    held = run(ready(TWO), options)
    chosen = [found.choice.sample for found in held.faces if found.choice]
    assert all(a != b for a, b in zip(best, chosen, strict=True))
    assert not any(found.skipped for found in held.faces)


def test_a_face_of_which_every_sample_is_refused_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "estimated", lambda *_: "")
    monkeypatch.setattr(gate, "after", lambda *_: "nobody knows")
    result = run(ready(TWO), replace(QUICK, gate="on", samples=2))
    assert [found.skipped for found in result.faces] == ["nobody knows"] * 2
    assert not result.crops


def test_automatic_n_follows_from_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def start(face: Any, estimate: Any, max_n: int) -> Start:
        seen.append(float(estimate.mean()))
        return Start(100, SEVERE)

    monkeypatch.setattr(auto_n, "start", start)
    model = replace(ready(TWO), estimator=lambda y: torch.full_like(y, 0.25))
    run(model, AUTO)
    assert seen == [0.25, 0.25]
