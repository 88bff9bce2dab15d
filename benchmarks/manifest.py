"""What the manifest of a huge run costs: CPU seconds and peak memory, for N photos.

python benchmarks/manifest.py [PHOTOS]

A manifest of N lines is written (default: a million), in which each hundredth photo failed. Three
processes then measure themselves: one imports the ledger and no more, one opens the folder for the
first time, asks of each photo whether it is done, and notes a hundred more, and one does the same
again. All photos stand for one small file.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from difface_cli.base.machine import processor
from difface_cli.runs import ledger, manifest
from difface_cli.runs.manifest import Entry, Stamp

PHOTO = "photo.jpg"
SETTINGS = "0123456789abcdef"
MORE = 100


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of a child
    wishes = parser.parse_args()
    if wishes.folder:
        use(wishes.folder, wishes.photos)
        return
    print(
        f"{processor()}, {os.cpu_count()} cores, {wishes.photos:,} photos, CPU seconds",
        "",
        sep="\n",
    )
    print("| | open | ask | left | note 100 | close | peak, MB |", "| --- " * 7 + "|", sep="\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, wishes.photos)
        size = (folder / manifest.NAME).stat().st_size
        for title, count in (("nothing", 0), ("first", wishes.photos), ("again", wishes.photos)):
            print(f"| {title} |", end=" ", flush=True)
            child = [sys.executable, __file__, str(count), "--folder", name]
            subprocess.run(child, check=True)
        hidden = sum(path.stat().st_size for path in (folder / ledger.HIDDEN).iterdir())
    print(f"\nThe manifest had {size / 1e6:.0f} MB, the files beside it {hidden / 1e6:.0f} MB.")


def photo(number: int) -> str:
    """The name of a photo, a thousand a folder."""
    return f"scans/{number // 1000:04d}/page-{number % 1000:03d}.jpg"


def fill(folder: Path, count: int) -> None:
    """Write the manifest: lines as a run writes them, but for the photo's name."""
    source = folder / PHOTO
    source.write_bytes(b"photo")
    done = Entry(
        photo="NAME",
        input="/archive/NAME",
        sha256=manifest.sha256(source),
        stamp=Stamp.of(source),
        settings=SETTINGS,
        status="restored",
        outputs={PHOTO: "ab" * 32, manifest.NAME: "cd" * 32},
        error="",
        seconds={"total": 1.5, "read": 0.1, "find": 0.2, "prior": 1.0, "write": 0.2},
        finished="2026-01-01T00:00:00+00:00",
    )
    path = folder / manifest.NAME
    for entry in (done, replace(done, status=manifest.FAILED, outputs={}, error="It is empty.")):
        manifest.append(folder, entry)
    good, bad = path.read_text().splitlines(keepends=True)
    with path.open("w") as file:
        for number in range(count):
            line = bad if number % 100 == 0 else good
            file.write(line.replace("NAME", photo(number)))


def use(folder: Path, count: int) -> None:
    """Print a row: what a run costs that finds nearly all photos done."""
    times, left = [time.process_time()], []
    if count:
        with ledger.held(folder) as books:
            times.append(time.process_time())
            source = folder / PHOTO
            left = [k for k in range(count) if not books.has(photo(k), source, SETTINGS)]
            times.append(time.process_time())
            for number in left[:MORE]:
                books.begin(photo(number))
                books.end(_failed(number, source))
            times.append(time.process_time())
        times.append(time.process_time())
    seconds = [f"{end - start:.2f}" for start, end in pairwise(times)] or 4 * ["0"]
    seconds.insert(2, str(len(left)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(*seconds, f"{peak:.0f} |", sep=" | ")


def _failed(number: int, source: Path) -> Entry:
    words = {"settings": SETTINGS, "status": manifest.FAILED, "error": "It is empty."}
    none: dict[str, str] = {}
    return Entry(
        photo(number), str(source), "", None, outputs=none, seconds={}, finished="", **words
    )


if __name__ == "__main__":
    main()
