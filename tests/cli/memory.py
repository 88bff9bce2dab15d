"""How much memory a long run over a folder holds: `python -m tests.cli.memory 500`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from difface_cli import models
from difface_cli.cli import app
from tests.cli import quick

PAGE = os.sysconf("SC_PAGE_SIZE")


def main(count: int) -> None:
    """Restore that many photos of 150 kB, and print the memory held at each, in MB."""
    held: list[int] = []
    models.load = quick.loader(lambda: held.append(_resident()))  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        (first,) = quick.photos(Path("album"), 1, size=220)
        for k in range(1, count):
            shutil.copy(first, f"album/{k:04d}.png")
        sys.argv = ["difface", "restore", "album", "-o", "out", "--json", *quick.OPTIONS]
        try:
            app.main()
        except SystemExit as end:
            assert not end.code
        print(*(f"{size / 2**20:.1f}" for size in held), file=sys.stderr)
        os.chdir("/")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


if __name__ == "__main__":
    main(int(sys.argv[1]))
