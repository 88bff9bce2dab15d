"""Counting and timing, held against what can be worked out by hand."""

from __future__ import annotations

from types import MappingProxyType

import pytest
import torch

from difface_cli.bench import timing
from difface_cli.bench.timing import ESTIMATOR, PRIOR, Call, Way
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry, Source, Weights

CPU = torch.device("cpu")
OWN = Way("difface", torch.bfloat16)
PLAIN = Way("plain", torch.float32, plain=True)
SIZE = 32


def weights(name: str, part: str, network: str, **params: object) -> Weights:
    return Weights(
        name=name,
        part=part,
        network=network,
        sources=(Source("path", "/nowhere/x.safetensors"),),
        params=MappingProxyType(params),
    )


@pytest.fixture(scope="module")
def tiny() -> tuple[Registry, Model]:
    """A model of a tiny prior and a simple estimator, whose files are nowhere."""
    prior = weights(
        "p", PRIOR, "unet", image_size=SIZE, in_channels=3, model_channels=32, out_channels=3,
        num_res_blocks=1, attention_resolutions=[16], channel_mult=[1, 1], num_head_channels=32,
    )  # fmt: skip
    guess = weights("e", ESTIMATOR, "srcnn", down_scale_factor=2, num_chns=4, depth=3)
    model = Model("tiny", "restore", MappingProxyType({PRIOR: "p", ESTIMATOR: "e"}), SIZE)
    return Registry({"tiny": model}, {"p": prior, "e": guess}), model


def test_the_papers_networks_have_the_flop_that_were_counted_before() -> None:
    """0.378 TFLOP a call of the prior at 512 and 0.181 of SwinIR, counted on the published code."""
    known = registry.load()
    model = known.model("difface-512")
    x, t = torch.empty(1, 3, 512, 512, device="meta"), torch.zeros(1, device="meta")
    prior, estimator = (known.part(model, part) for part in (PRIOR, ESTIMATOR))
    assert prior and estimator
    assert round(timing.count_flop(prior, [x, t]) / 1e12, 3) == 0.378
    assert round(timing.count_flop(estimator, [x]) / 1e12, 3) == 0.181


def test_weights_that_are_not_here_are_random_and_the_same_in_every_way(
    tiny: tuple[Registry, Model],
) -> None:
    calls = [c for way in (OWN, PLAIN) for c in timing.prepare(*tiny, CPU, way, batch=2)]
    assert [(c.part, c.way.name) for c in calls] == [
        (PRIOR, "difface"), (ESTIMATOR, "difface"), (PRIOR, "plain"), (ESTIMATOR, "plain"),
    ]  # fmt: skip
    assert all(c.untrained and c.out.shape == (2, 3, SIZE, SIZE) for c in calls)
    own, plain = timing.measure(calls, CPU, 1)[:2], timing.measure(calls, CPU, 1)[2:]
    assert all(t.error is not None and 0 < t.error < 0.02 for t in own)
    assert all(t.error == 0 for t in plain)


def test_only_the_prior_is_compiled(
    tiny: tuple[Registry, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    translated: list[torch.nn.Module] = []

    def compiler(network: torch.nn.Module, **_: object) -> torch.nn.Module:
        translated.append(network)
        return network

    monkeypatch.setattr("torch.compile", compiler)
    monkeypatch.setattr("shutil.which", lambda name: name)
    timing.prepare(*tiny, CPU, Way("compiled", torch.float32, compiled=True))
    assert [type(network).__name__ for network in translated] == ["UNet"]


def test_twice_the_faces_are_twice_the_flop(tiny: tuple[Registry, Model]) -> None:
    one, two = (timing.prepare(*tiny, CPU, PLAIN, batch=b)[1].flop for b in (1, 2))
    assert two == 2 * one > 0


def test_the_fastest_call_counts_and_calls_take_turns() -> None:
    order: list[str] = []
    now = [0]  # seconds by a clock of our own

    def call(part: str, *seconds: int) -> Call:
        lasting = iter(seconds)

        def run() -> torch.Tensor:
            order.append(part)
            now[0] += next(lasting)
            return torch.ones(1)

        return Call(part, OWN, run, 1, False, 0, torch.ones(1))

    timings = timing.measure([call("a", 5, 2, 3), call("b", 9, 7, 8)], CPU, 3, lambda: now[0])
    assert order == ["a", "b"] * 3
    assert [t.seconds for t in timings] == [2, 7]
    assert timings[0].error is None  # nothing to compare with


def test_a_face_is_one_estimate_and_all_steps() -> None:
    assert timing.a_face({PRIOR: 2.0, ESTIMATOR: 3.0}, 10, 1) == 23
    assert timing.a_face({PRIOR: 2.0, ESTIMATOR: 3.0}, 10, 4) == 23 / 4
    assert timing.a_face({PRIOR: 2.0}, 10, 1) == 20


def test_the_peak_is_that_of_its_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """2·side³ multiplications and additions in the seconds of the fastest."""
    monkeypatch.setattr(timing, "MATRIX", {"cpu": 64})
    clock = iter(range(1000))  # each look at the clock is a second later
    assert timing.matrix_peak(CPU, torch.float32, lambda: next(clock)) == 2 * 64**3
