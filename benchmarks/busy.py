"""How much slower a call of the prior is where other processes compute on the same machine.

    python benchmarks/busy.py
    python benchmarks/busy.py --policy active --policy spin:1000 --policy passive

Seconds a call, the median of 40, idle and with one and two processes that compute without end, for
each way in which OpenMP's threads can wait for each other: `tool` is what the tool sets by itself
(see `base/threads.py`), `none` nothing, `passive` and `active` OMP_WAIT_POLICY, `spin:N`
GOMP_SPINCOUNT. The goal is at most twice the idle time beside one process, and an idle call
within 3 % of `none`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

CALLS, WARM = 40, 5
COMPETITORS = (0, 1, 2)
MEASURE = f"""
from difface_cli.base import threads
if POLICY == "tool": threads.prepare()
import statistics, time, torch
from difface_cli import models
from difface_cli.weights import registry
known, device = registry.load(), torch.device("cpu")
precision = models.resolve_precision("auto", device)
ready = models.load(known, known.model("starter", "restore"), device, precision)
x, seconds = torch.randn(1, 3, 256, 256), []
for _ in range({WARM + CALLS}):
    start = time.perf_counter()
    ready.denoise(x, 100)
    seconds.append(time.perf_counter() - start)
print(statistics.median(seconds[{WARM}:]))
"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", action="append")
    policies = parser.parse_args().policy or ["none", "tool"]
    print("| waiting | " + " | ".join(f"{n} others" for n in COMPETITORS) + " |")
    print("| --- |" + " --- |" * len(COMPETITORS))
    for policy in policies:
        cells = []
        for count in COMPETITORS:
            with busy(count):
                cells.append(f"{1e3 * measured(policy):.0f} ms")
        print(f"| {policy} | " + " | ".join(cells) + " |", flush=True)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute beside what is measured."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(0.5)
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measured(policy: str) -> float:
    """Seconds a call, in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
    name, _, number = policy.partition(":")
    if name == "spin":
        kept["GOMP_SPINCOUNT"] = number
    elif name in ("passive", "active"):
        kept["OMP_WAIT_POLICY"] = name.upper()
    code = f"POLICY = {policy!r}\n{MEASURE}"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True
    )
    return float(answer.stdout)


if __name__ == "__main__":
    main()
