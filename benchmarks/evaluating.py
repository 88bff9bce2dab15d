"""Time and memory of `difface evaluate` on many pairs of 512×512.

    python benchmarks/evaluating.py PORTRAITS/test --pairs 4000 --metrics psnr

Ten portraits and blurred versions of them are linked under as many names as there are pairs, in a
temporary folder; each name counts as a picture of its own, and is read and measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageFilter

SIZE = 512
BLUR = ImageFilter.GaussianBlur(2)


def pairs(portraits: Path, folder: Path, count: int) -> tuple[Path, Path]:
    """Folders of `count` results and references."""
    sources = sorted([*portraits.glob("*.jpg"), *portraits.glob("*.png")])[:10]
    places = (folder / "restored", folder / "truth")
    for place in (*places, folder / "own"):
        place.mkdir()
    for index, path in enumerate(sources):
        with Image.open(path) as f:
            truth = f.convert("RGB").resize((SIZE, SIZE))
        for place, picture in zip(places, (truth.filter(BLUR), truth), strict=True):
            own = folder / "own" / f"{place.name}{index}.jpg"
            picture.save(own, quality=92)
            for name in range(index, count, len(sources)):
                os.link(own, place / f"{name:05}.jpg")
    return places


def main() -> None:
    """Run it once, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--metrics", default="psnr")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        restored, truth = pairs(a.portraits, Path(name), a.pairs)
        command = [sys.executable, "-m", "difface_cli", "evaluate", str(restored)]
        command += ["--reference", str(truth), "--metrics", a.metrics]
        start = time.perf_counter()
        home = {**os.environ, "DIFFACE_HOME": f"{name}/home"}
        subprocess.run(command, check=True, env=home)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{a.pairs} pairs, {a.metrics}: {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of "
        f"CPU, at most {used.ru_maxrss / 1024:.0f} MB, {platform.processor()}"
    )


if __name__ == "__main__":
    main()
