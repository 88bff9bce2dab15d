"""How fast this machine runs a model's networks, beside what it could do at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from difface_cli import networks
from difface_cli.base.errors import WeightsMissing
from difface_cli.models import inference
from difface_cli.weights.registry import Model, Registry, Weights

GIGA = 1e9
MATRIX = {"cpu": 2048, "mps": 4096, "cuda": 8192}  # side of the products that measure the peak
PEAK_SECONDS = 1.0  # how long they are tried
MIDDLE = 0.5  # of N: any timestep takes as long as any other
Clock = Callable[[], float]
PRIOR, ESTIMATOR = "prior", "estimator"


@dataclass(frozen=True)
class Way:
    """One way to run a model: "plain" float32 without any preparation, or the tool's own.

    Attributes:
        compiled: the prior; the estimator is called once a face, and never makes up for it.
    """

    name: str
    dtype: torch.dtype
    compiled: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Call:
    """One network in one way, ready to be called on a batch.

    Attributes:
        flop: of a call, multiplications and additions, as the network is written.
        untrained: whether its weights are random.
        first: seconds of the first call, which also chooses kernels, or compiles.
        out: what it returned.
    """

    part: str
    way: Way
    run: Callable[[], Tensor]
    flop: int
    untrained: bool
    first: float
    out: Tensor


@dataclass(frozen=True)
class Timing:
    """What was measured of a call.

    Attributes:
        seconds: the fastest call but the first.
        error: ‖y - y'‖ / ‖y'‖ to the plain way's result; None where that was not run.
    """

    call: Call
    seconds: float
    error: float | None = None


def prepare(
    registry: Registry,
    model: Model,
    device: torch.device,
    way: Way,
    *,
    batch: int = 1,
    untrained: bool = False,
) -> list[Call]:
    """Load prior and estimator, and call each once on random pictures of the model's size.

    Args:
        batch: faces a call.
        untrained: whether weights are random although the real ones may be here.

    Raises:
        WeightsInvalid, RegistryError, DeviceError: see `inference`.
    """
    calls = []
    for part in (PRIOR, ESTIMATOR):
        if weights := registry.part(model, part):
            inputs = _inputs(model, part, batch)
            flop = count_flop(weights, inputs)
            network, random = _network(weights, device, way, untrained)
            run = _caller(network, [inputs[0].to(way.dtype), *inputs[1:]], device)
            with torch.inference_mode():
                out, first = _timed(run, device)
            calls.append(Call(part, way, run, flop, random, first, out))
    return calls


def measure(
    calls: Sequence[Call], device: torch.device, rounds: int, clock: Clock = time.perf_counter
) -> list[Timing]:
    """Time all calls in turn, `rounds` times, so that what else the machine does hits all alike."""
    with torch.inference_mode():
        laps = [[_timed(call.run, device, clock)[1] for call in calls] for _ in range(rounds)]
    truths = {call.part: call.out for call in calls if call.way.plain}
    return [
        Timing(call, min(seconds), _error(call.out, truths.get(call.part)))
        for call, seconds in zip(calls, zip(*laps, strict=True), strict=True)
    ]


def a_face(timings: Mapping[str, float], steps: int, batch: int) -> float:
    """Seconds for a face: one call of the estimator, and `steps` of the prior.

    Args:
        timings: seconds a call, by part.
    """
    return (timings.get(ESTIMATOR, 0.0) + steps * timings[PRIOR]) / batch


def matrix_peak(
    device: torch.device, dtype: torch.dtype, clock: Clock = time.perf_counter
) -> float:
    """The most that a product of large square matrices reaches on this machine, FLOP/s."""
    side = MATRIX[device.type]
    a = torch.randn(side, side, device=device).to(dtype)
    best, until = float("inf"), clock() + PEAK_SECONDS
    with torch.inference_mode():
        _timed(lambda: a @ a, device)
        while clock() < until or best == float("inf"):
            best = min(best, _timed(lambda: a @ a, device, clock)[1])
    return 2 * side**3 / best


def count_flop(weights: Weights, inputs: Iterable[Tensor]) -> int:
    """Multiplications and additions of one call, counted without computing anything."""
    with torch.device("meta"):
        network = networks.build(weights.network, weights.params)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(*[x.to("meta") for x in inputs])
    return int(counter.get_total_flops())


def _inputs(model: Model, part: str, batch: int) -> list[Tensor]:
    """Noise and timesteps for the prior, else pictures, with a mask where holes are filled."""
    size, generator = model.image_size, torch.Generator().manual_seed(0)
    if part == PRIOR:
        x = torch.randn(batch, 3, size, size, generator=generator)
        return [x, torch.full((batch,), int(MIDDLE * model.n))]
    return [torch.rand(batch, 3 + (model.task == "inpaint"), size, size, generator=generator)]


def _network(
    weights: Weights, device: torch.device, way: Way, untrained: bool
) -> tuple[nn.Module, bool]:
    """The network, and whether its weights are random."""
    compiled = way.compiled and weights.part == PRIOR
    if not untrained:
        try:
            if way.plain:
                return inference.plain(weights, device), False
            return inference.load(weights, device, way.dtype, compiled=compiled), False
        except WeightsMissing:
            pass
    network = inference.untrained(weights)
    if way.plain:
        return network.to(device), True
    network = network.to(device, way.dtype).to(memory_format=torch.channels_last)
    return inference.ready(network, device, compiled=compiled), True


def _caller(
    network: nn.Module, inputs: Iterable[Tensor], device: torch.device
) -> Callable[[], Tensor]:
    placed = [x.to(device) for x in inputs]

    def run() -> Tensor:
        out: Tensor = network(*placed)
        return out

    return run


def _timed(
    run: Callable[[], Tensor], device: torch.device, clock: Clock = time.perf_counter
) -> tuple[Tensor, float]:
    """A call's result, and its seconds until the device has finished."""
    start = clock()
    out = run()
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()
    return out, clock() - start


def _error(out: Tensor, truth: Tensor | None) -> float | None:
    if truth is None:
        return None
    return float((out.float() - truth).norm() / truth.norm())
