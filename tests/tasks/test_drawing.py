"""Faces of several photos through the same network calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.base.errors import DeviceError
from difface_cli.method.denoiser import from_network
from difface_cli.models import Ready
from difface_cli.tasks import Drawn, Prepared, Restore, Scene
from difface_cli.tasks.drawing import Drawing
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import prepare
from difface_cli.tasks.results import Array
from tests.tasks.test_restore import QUICK, SCHEDULE, TWO, Eyes, photo, ready


class Network:
    """A prior whose answer depends on picture and timestep, with memory for `most` pictures."""

    def __init__(self, most: int = 1000) -> None:
        self.most, self.sizes = most, list[int]()
        self.denoise = from_network(self.__call__, SCHEDULE)

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self.sizes.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.tanh(x * (1 + t.view(-1, 1, 1, 1) / 500))

    @property
    def ready(self) -> Ready:
        return replace(ready(TWO), denoise=self.denoise)


def photos(network: Network, options: Options, faces: Sequence[str]) -> list[Prepared]:
    """Photos of their own, with faces 0, 1, both or none."""
    eyes: list[Any] = [Eyes([TWO[int(i)] for i in which]) for which in faces]
    made = []
    for k, detector in enumerate(eyes):
        seen = photo(120 + 4 * k)
        model = replace(network.ready, detector=detector)
        made.append(prepare(Scene(seen, seen, str(k)), model, TASK, options))
    return made


def faces_of(drawn: Drawn) -> list[Array]:
    return [face for crops in drawn.crops for face in (crops.estimate, *crops.restored)]


TASK = Restore()
MIXED = ("01", "", "0", "10", "", "1", "01")


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 5, 100])
def test_faces_are_drawn_as_each_photo_alone_draws_them(batch: int, samples: int) -> None:
    options = replace(QUICK, batch=batch, samples=samples)
    network = Network()
    drawing = Drawing(network.ready, TASK, options)
    prepared = photos(network, options, MIXED)
    promises = [drawing.add(one) for one in prepared]
    drawing.flush()
    for one, promise in zip(prepared, promises, strict=True):
        alone = Drawing(Network().ready, TASK, replace(options, batch=1)).add(one).result()
        both = zip(faces_of(promise.result()), faces_of(alone), strict=True)
        assert all(np.array_equal(a, b) for a, b in both)
        assert set(promise.result().seconds) == ({"estimate", "denoise"} if one.cuts else set())
    count, steps = 8 * samples, QUICK.settings.steps
    full, rest = divmod(count, batch)
    assert network.sizes == [batch] * full * steps + [rest] * bool(rest) * steps


def test_a_photo_is_done_with_the_call_of_its_last_face() -> None:
    options = replace(QUICK, batch=2)
    network = Network()
    drawing = Drawing(network.ready, TASK, options)
    one, none, two, last = photos(network, options, ("0", "", "01", "1"))
    first = drawing.add(one)
    assert drawing.add(none).done()
    assert not first.done()
    second = drawing.add(two)
    assert first.done()
    assert not second.done()
    assert drawing.add(last).done()
    assert second.done()


def test_memory_that_runs_out_halves_the_call_and_changes_nothing() -> None:
    tight, ample = Network(most=3), Network()
    options = replace(QUICK, samples=4)
    (prepared,) = photos(ample, options, ("01",))
    drawing = Drawing(tight.ready, TASK, options)
    drawing.batches.size = 8
    promise = drawing.add(prepared)
    expected = Drawing(ample.ready, TASK, options).add(prepared).result()
    both = zip(faces_of(promise.result()), faces_of(expected), strict=True)
    assert all(np.array_equal(a, b) for a, b in both)
    assert tight.sizes == [8, 4, *[2] * 4 * options.settings.steps]


@pytest.mark.parametrize("batch", [0, 1])
def test_a_face_that_no_memory_holds_fails_its_photo_alone(batch: int) -> None:
    network, options = Network(), replace(QUICK, batch=batch, samples=2)

    def estimator(y: Tensor) -> Tensor:
        if (y.amin((1, 2, 3)) == 1).any():
            raise torch.OutOfMemoryError("CUDA out of memory")
        return y

    before, bad, after = photos(network, options, ("01", "01", "1"))
    white = replace(bad.cuts[1], face=np.ones_like(bad.cuts[1].face))
    bad = replace(bad, cuts={0: bad.cuts[0], 1: white})
    drawing = Drawing(replace(network.ready, estimator=estimator), TASK, options)
    if not batch:
        drawing.batches.size = 3
    promises = [drawing.add(one) for one in (before, bad, after)]
    drawing.flush()
    assert isinstance(promises[1].exception(), DeviceError)
    assert [len(promises[k].result().crops) for k in (0, 2)] == [2, 1]


@pytest.mark.parametrize(("guidance", "calls"), [(0.0, 0), (2.0, QUICK.settings.steps)])
def test_guidance_asks_the_perturbed_prior_once_a_step(guidance: float, calls: int) -> None:
    own, perturbed = Network(), Network()
    model = replace(own.ready, perturbed=perturbed.denoise)
    options = replace(QUICK, settings=replace(QUICK.settings, guidance=guidance))
    (prepared,) = photos(own, options, ("0",))
    Drawing(model, TASK, options).add(prepared).result()
    assert len(perturbed.sizes) == calls
    assert len(own.sizes) == QUICK.settings.steps
