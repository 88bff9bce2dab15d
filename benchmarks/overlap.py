"""A folder of photos: one after the other, and with reading and writing beside the networks.

python benchmarks/overlap.py [--photos 6] [--size 2400x1600] [--faces 2] [--steps 10] [--rounds 3]

Both ways take turns, on the CPU with as many threads as OMP_NUM_THREADS says, and must write the
same bytes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch

from difface_cli.base.machine import processor
from difface_cli.runs import jobs as outputs
from difface_cli.runs import run as runs
from difface_cli.runs.account import Account
from difface_cli.runs.listener import Silent
from difface_cli.runs.session import Session

sys.path.insert(0, str(Path(__file__).parent))
from overhead import group, starter


def main() -> int:
    """Print the seconds of both ways; the exit code is 1 where their results differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--size", default="2400x1600")
    parser.add_argument("--faces", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    wishes = parser.parse_args()
    session = starter(wishes.steps)
    chosen = ",".join(map(str, range(wishes.faces)))
    session = replace(session, options=replace(session.options, faces=chosen))
    print(f"{processor()}, {torch.get_num_threads()} of {os.cpu_count()} cores, {session.dtype}")
    seconds: dict[str, list[float]] = {"alone": [], "overlapped": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [group(folder / f"{k}.jpg", wishes.size) for k in range(wishes.photos)]
        for _ in range(wishes.rounds):
            for way, taken in seconds.items():
                taken.append(run(photos, folder / way, session, overlap=way == "overlapped"))
        results = [sorted((folder / way).glob("*.jpg")) for way in seconds]
        same = all(a.read_bytes() == b.read_bytes() for a, b in zip(*results, strict=True))
    for way, taken in seconds.items():
        print(f"{way:>11}: median {statistics.median(taken):.2f} s, least {min(taken):.2f} s")
    print("the same bytes" if same else "results differ")
    return int(not same)


def run(photos: list[Path], out: Path, session: Session, *, overlap: bool) -> float:
    """Seconds for all photos."""
    jobs = outputs.plan([str(photo) for photo in photos], out, overwrite=True)
    start = time.perf_counter()
    with patch.object(Session, "overlaps", overlap), Account() as account:
        runs.restore(jobs, session, account, Silent())
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
