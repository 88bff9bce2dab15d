"""How much faster two Ray workers are than one, one thread each.

python benchmarks/workers.py FOLDER

Efficiency is the seconds of one worker over twice those of two, once over the whole command and
once from the first photo done to the last, without the start of Ray and the loading of the model.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Time both, and print seconds and efficiencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with photos of faces")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    photos = sorted(p for p in given.folder.iterdir() if p.suffix == ".jpg")[: given.count]
    seconds = {}
    for workers in (1, 2):
        seconds[workers] = timed(photos, workers, given.steps)
        whole, between = seconds[workers]
        print(f"{workers} workers, {len(photos)} photos: {whole:.1f} s, drawing {between:.1f} s")
    for k, name in enumerate(("whole command", "drawing")):
        print(f"efficiency, {name}: {seconds[1][k] / (2 * seconds[2][k]):.2f}")


def timed(photos: list[Path], workers: int, steps: int) -> tuple[float, float]:
    """Seconds of the whole command, and per photo from the first one done, for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "difface_cli", "restore", *map(str, photos)]
        options = ["-o", f"{folder}/out", "--engine", "ray", "--workers", str(workers)]
        method = ["--n", "200", "--steps", str(steps), "--gate", "off", "--device", "cpu", "--json"]
        start = time.perf_counter()
        with subprocess.Popen(
            [*command, *options, *method],
            stdout=subprocess.PIPE,
            # Ray's workers give way to whatever else runs, which is not what is measured.
            env=os.environ | {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"},
        ) as run:
            assert run.stdout
            done = [time.perf_counter() for _ in run.stdout]
        if run.returncode or len(done) != len(photos):
            raise SystemExit(f"{len(done)} of {len(photos)} photos were restored.")
        # The first photo of each worker waits for its model, and begins no interval.
        apart = (done[-1] - done[workers - 1]) / (len(done) - workers)
        return time.perf_counter() - start, apart * len(done)


if __name__ == "__main__":
    main()
