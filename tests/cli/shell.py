"""Run `difface` as a shell does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def difface(
    *arguments: str, python: Path | str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The finished run of `difface ARGUMENTS`, its output as text."""
    return subprocess.run(
        [python, "-m", "difface_cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
