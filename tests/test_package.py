"""The wheel holds all that the program reads."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[1]
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


def test_every_file_of_the_package_is_in_the_wheel(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=TOP, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    source = TOP / "src"
    files = [p for p in (source / "difface_cli").rglob("*") if p.is_file() and p.suffix != ".pyc"]
    assert {str(p.relative_to(source).as_posix()) for p in files} <= packed
    for name in ("models.toml", "report/templates/page.html.j2", "report/templates/style.css"):
        assert f"difface_cli/{name}" in packed
