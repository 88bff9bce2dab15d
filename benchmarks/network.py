"""One call of each network and one face, as this tool runs them and as plain PyTorch does.

    python benchmarks/network.py --threads 1,2
    python benchmarks/network.py --threads 2 --faces

The networks have their official sizes and random weights. Ways take turns, and the fastest call
of each counts, so that what else the machine does hits all alike. "Difference" is
‖y - y'‖ / ‖y'‖ of the outputs. --faces also restores a face whole: in float32 by DDIM in the
published 100 steps, the same in the tool's own way, and by --fast; that takes minutes.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from difface_cli import models
from difface_cli.base.machine import processor
from difface_cli.bench import timing
from difface_cli.bench.timing import ESTIMATOR, GIGA, PRIOR, Clock, Way
from difface_cli.method import difface
from difface_cli.method.denoiser import from_network
from difface_cli.method.difface import Settings
from difface_cli.method.schedule import linear
from difface_cli.models import inference
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry

CPU = torch.device("cpu")
PLAIN = Way("plain PyTorch, fp32", torch.float32, plain=True)


def table(known: Registry, model: Model, ways: list[Way], rounds: int, clock: Clock) -> None:
    """One line a network and way."""
    calls = [
        call for way in ways for call in timing.prepare(known, model, CPU, way, untrained=True)
    ]
    timings = timing.measure(calls, CPU, rounds, clock)
    plain = {t.call.part: t.seconds for t in timings if t.call.way.plain}
    peaks = {way.dtype: timing.matrix_peak(CPU, way.dtype, clock) for way in ways}
    for t in sorted(timings, key=lambda t: t.call.part, reverse=True):
        speed = t.call.flop / t.seconds
        cells = (
            t.call.part,
            t.call.way.name,
            f"{t.seconds:.2f}",
            f"{plain[t.call.part] / t.seconds:.2f}x",
            f"{speed / GIGA:.0f}",
            f"{100 * speed / peaks[t.call.way.dtype]:.0f} %",
            f"{t.error:.1e}" if t.error else "",
        )
        print(f"| {torch.get_num_threads()} | {' | '.join(cells)} |", flush=True)


def face(known: Registry, model: Model, way: Way, settings: Settings, clock: Clock) -> float:
    """Seconds for a whole face, networks loaded and called once before."""
    loaded = {}
    for part in (PRIOR, ESTIMATOR):
        weights = known.part(model, part)
        assert weights
        network = inference.untrained(weights)
        if not way.plain:
            network = network.to(way.dtype).to(memory_format=torch.channels_last)
            network = inference.ready(network, CPU)
        loaded[part] = network
    y = torch.rand(1, 3, model.image_size, model.image_size)

    def estimator(y: Tensor) -> Tensor:
        x: Tensor = loaded[ESTIMATOR](y.to(way.dtype))
        return x.to(y.dtype)

    def prior(x: Tensor, t: Tensor) -> Tensor:
        eps: Tensor = loaded[PRIOR](x.to(way.dtype), t)
        return eps

    with torch.inference_mode():
        estimator(y), prior(y, torch.tensor([0]))
        start = clock()
        denoise = from_network(prior, linear())
        f_y = difface.estimate(y, estimator)
        difface.contract(f_y, denoise, linear(), settings, [0])
    return clock() - start


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="difface-512")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument(
        "--cpu-seconds",
        action="store_true",
        help="count what the process computes, not what it waits for; for one thread",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true", help="the prior by torch.compile as well")
    parser.add_argument("--faces", action="store_true", help="whole faces as well")
    a = parser.parse_args()

    clock = time.process_time if a.cpu_seconds else time.perf_counter
    known = registry.load()
    model = known.model(a.model)
    dtype = models.resolve_precision("auto", CPU)
    own = Way(f"difface, {str(dtype).removeprefix('torch.')}", dtype)
    ways = [PLAIN, own]
    if a.compile:
        ways.append(Way(f"{own.name}, compiled", dtype, compiled=True))
    print(f"{model.name} at {model.image_size}, {processor()}, torch {torch.__version__}\n")
    print("| threads | network | way | s a call | faster | GFLOP/s | of peak | difference |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for threads in map(int, a.threads.split(",")):
        torch.set_num_threads(threads)
        table(known, model, ways, a.rounds, clock)
    if a.faces:
        print("\n| threads | a face | s |\n| --- | --- | --- |")
        published, fast = Settings(400, 100, 0.5), Settings(400, 10, 0.5, "dpm++")
        for way, settings in ((own, fast), (own, published), (PLAIN, published)):
            seconds = face(known, model, way, settings, clock)
            name = f"{way.name}, {settings.sampler} in {settings.steps} steps"
            print(f"| {torch.get_num_threads()} | {name} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
