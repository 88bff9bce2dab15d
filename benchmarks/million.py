"""What finding the photos of a huge run costs: CPU seconds and peak memory, for N photos.

python benchmarks/million.py [PHOTOS] [--folders 1000]

A tree of N empty files is made (default: a million). Processes of their own then measure
themselves: one imports what a run needs and no more, one finds all photos left, and two find
each hundredth left, the others done by a manifest that the first of them reads for the first time.
Nothing is done with what is left but to look at each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from difface_cli.base.machine import processor
from difface_cli.runs import manifest
from difface_cli.runs.manifest import Entry, Stamp

SETTINGS = "0123456789abcdef"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)  # of a child
    wishes = parser.parse_args()
    if wishes.within:
        find(wishes.within, wishes.photos)
        return
    print(
        f"{processor()}, {os.cpu_count()} cores, {wishes.photos:,} photos in {wishes.folders:,} "
        "folders",
        "",
        "| | left | CPU seconds | peak, MB |",
        "| --- " * 4 + "|",
        sep="\n",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans = [Path(f"{k % wishes.folders:04d}/page-{k:07d}.jpg") for k in range(wishes.photos)]
        make(folder / "scans", scans)
        row("nothing", folder, 0)
        row("none done", folder, wishes.photos)
        fill(folder, scans)
        row("first", folder, wishes.photos)
        row("again", folder, wishes.photos)


def row(title: str, folder: Path, count: int) -> None:
    """Let a process measure itself."""
    print(f"| {title} |", end=" ", flush=True)
    child = [sys.executable, __file__, str(count), "--within", str(folder)]
    subprocess.run(child, check=True)


def make(folder: Path, scans: list[Path]) -> None:
    """Make empty files of these names."""
    for parent in {scan.parent for scan in scans}:
        (folder / parent).mkdir(parents=True)
    for scan in scans:
        (folder / scan).touch()


def fill(folder: Path, scans: list[Path]) -> None:
    """Write a manifest by which all but each hundredth are done; a small file is their result."""
    (folder / "out").mkdir()
    result = folder / "out/result.png"
    result.write_bytes(b"photo")
    entry = Entry(
        photo="a.jpg",
        input="a.jpg",
        sha256="ab" * 32,
        stamp=Stamp(0, 0, 0),
        settings=SETTINGS,
        status="restored",
        outputs={result.name: "ab" * 32},
        error="",
        seconds={"total": 1.5, "read": 0.1, "find": 0.2, "prior": 1.0, "write": 0.2},
        finished="2026-01-01T00:00:00+00:00",
    )
    manifest.append(result.parent, entry)
    path = result.parent / manifest.NAME
    line = json.loads(path.read_text())
    with path.open("w") as file:
        for number, scan in enumerate(scans):
            if number % 100:
                stat = (folder / "scans" / scan).stat()
                line["photo"], line["input"]["path"] = str(scan), f"scans/{scan}"
                line["input"]["stamp"] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
                file.write(json.dumps(line) + "\n")


def find(folder: Path, count: int) -> None:
    """Print a row: what a run costs that does nothing with the photos left."""
    from difface_cli.runs import folders
    from difface_cli.runs.jobs import Job
    from difface_cli.runs.trees import Wish

    os.chdir(folder)
    before, left = time.process_time(), []
    if count:
        wish, like = Wish(recursive=True), Job("", None)
        batch = folders.Batch(["scans"], wish, Path("out"), like, settings=SETTINGS)
        folders.run(batch, lambda jobs, _: left.append(sum(1 for _ in jobs)), lambda _: None)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(sum(left), f"{seconds:.2f}", f"{peak:.0f} |", sep=" | ")


if __name__ == "__main__":
    main()
