"""How long `difface --help` takes: the median of 20 runs, on the machine it names.

python benchmarks/startup.py
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from difface_cli.machine import processor

RUNS = 20
LIMIT = 0.3  # seconds


def main() -> int:
    """Print the median and the range in seconds; the exit code is 1 above the limit."""
    command = [str(Path(sys.executable).parent / "difface"), "--help"]
    seconds(command)  # writes the bytecode and warms the file cache
    runs = [seconds(command) for _ in range(RUNS)]
    median = statistics.median(runs)
    print(f"{platform.platform()}, {processor()}, {os.cpu_count()} cores")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(
        f"difface --help: median {median:.3f} s of {RUNS} runs"
        f" ({min(runs):.3f} to {max(runs):.3f}), limit {LIMIT} s"
    )
    return int(median > LIMIT)


def seconds(command: list[str]) -> float:
    """Wall time of one run of `command`, in seconds; raises CalledProcessError if it fails."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
