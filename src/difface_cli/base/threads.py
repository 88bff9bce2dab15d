"""How long threads look for work before they sleep, set before PyTorch, which reads it once.

A network's layer is shared by threads, and each layer waits for the last of them. GNU's OpenMP lets
those that are ready look for more work for milliseconds, on the core that the last one may need: on
two cores beside two other computing processes a call of the starter's prior took 60 times as long
as alone (`benchmarks/busy.py`).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
IDLE, BUSY = 20_000, 1_000
"""Turns of looking for work. With the first an idle machine loses nothing, and one that becomes
busy later slows by 4 to 10 times and not by 60; with the second a busy one slows by 2, and an
idle one by a seventh."""
LOOKS, PAUSE = 3, 0.002
LOAD = Path("/proc/loadavg")


def prepare() -> None:
    """Choose for this machine as it is now, unless the user's own variables do."""
    if not any(name in os.environ for name in VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = str(BUSY if busy() else IDLE)


def busy() -> bool:
    """Whether another process computes: each of a few looks finds one running besides this."""
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE)
        try:
            running = int(LOAD.read_text(encoding="ascii").split()[3].partition("/")[0])
        except (OSError, ValueError, IndexError):
            return False  # another system, whose OpenMP is another as well
        if running < 2:
            return False
    return True
