"""How long `difface --help` takes, and how long a restoration until the prior is first called.

python benchmarks/startup.py

The second is the time from the command to the first denoising step of the starter on a portrait,
less that of `import torch` alone, both as processes of their own. Medians of 20 runs, taken in
turn, on the machine it names. Processor seconds stand beside wall seconds: other work on the
machine stretches the latter only.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from difface_cli.base.machine import processor

RUNS = 20
LIMITS = {"--help": 0.3, "first step": 1.0}  # seconds
PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "astronaut_old.jpg"

# Both say at their end what the process took: processor seconds.
IMPORT = "import torch, time; print(time.process_time())"
FIRST_STEP = """
import os, sys, time
from difface_cli.method import denoiser
from difface_cli.cli.app import main

made = denoiser.from_network

def stopping(*arguments):
    def denoise(x, t):
        print(time.process_time(), flush=True)
        os._exit(0)
    return denoise

denoiser.from_network = stopping
main()
"""


def main() -> int:
    """Print medians and ranges in seconds; the exit code is 1 above a limit."""
    print(f"{platform.platform()}, {processor()}, {os.cpu_count()} cores")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    command = [str(Path(sys.executable).parent / "difface"), "--help"]
    seconds(command)  # writes the bytecode and warms the file cache
    shown = [seconds(command) for _ in range(RUNS)]
    print(f"difface --help: {told(shown)}, limit {LIMITS['--help']} s")

    with tempfile.TemporaryDirectory() as folder:
        restore = ["restore", str(PHOTO), "-o", f"{folder}/out.png", "--device", "cpu"]
        first_step(restore)
        pairs = [(first_step(), first_step(restore)) for _ in range(RUNS)]
    wall = [later[0] - torch[0] for torch, later in pairs]
    processor_time = [later[1] - torch[1] for torch, later in pairs]
    print(f"import torch: {told([torch[0] for torch, _ in pairs])}")
    print(f"first step after it: {told(wall)}, limit {LIMITS['first step']} s")
    print(f"  in processor seconds: {told(processor_time)}")
    late = statistics.median(wall) > LIMITS["first step"]
    return int(late or statistics.median(shown) > LIMITS["--help"])


def told(runs: list[float]) -> str:
    """Median and range."""
    median = statistics.median(runs)
    return f"median {median:.3f} s of {len(runs)} runs ({min(runs):.3f} to {max(runs):.3f})"


def first_step(restore: list[str] | None = None) -> tuple[float, float]:
    """Wall and processor seconds to the first step of `restore`, or to the end of the import."""
    code = [sys.executable, "-c", IMPORT if restore is None else FIRST_STEP, *(restore or [])]
    start = time.perf_counter()
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        wall = time.perf_counter() - start
    return wall, float(line)


def seconds(command: list[str]) -> float:
    """Wall time of one run of `command`, in seconds; raises CalledProcessError if it fails."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
