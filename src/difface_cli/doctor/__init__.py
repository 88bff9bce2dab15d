"""What this machine has, can do and lacks: one finding for each thing that a run needs.

Every check is by itself: what it raises is its finding. Nothing is fetched, and nothing is left
behind. Torch and the like are imported inside the checks, since they may be what is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from difface_cli.base.plugins import Plugin
from difface_cli.doctor import hardware, models, software
from difface_cli.doctor.findings import FAILED, NOTE, OK, Check, Finding, examine

if TYPE_CHECKING:
    from difface_cli.weights.registry import Registry

__all__ = ["FAILED", "NOTE", "OK", "Check", "Finding", "checks", "examine"]


def checks(
    registry: Callable[[], Registry], plugins: Sequence[Plugin], output: Path
) -> tuple[Check, ...]:
    """All that a run needs.

    Args:
        registry: loads models.toml, the user's blocks included.
        plugins: as they were found when the command started.
        output: the folder that results would go to.
    """
    from difface_cli.weights.places import HOME, home

    again = f"{software.REINSTALL} {software.DISTRIBUTION}"
    libraries = [
        Check(name, partial(software.library, name), f"{software.REINSTALL} {name}")
        for name in software.required()
    ]
    return (
        Check("python", software.python, "Install Python 3.11 or newer."),
        *libraries,
        Check("extras", software.extras, again),
        Check("plugins", lambda: software.loaded(plugins), again),
        Check("devices", hardware.devices, f"{software.REINSTALL} torch"),
        Check("models.toml", lambda: models.known(registry()), "Correct the file that it names."),
        Check("weights", lambda: models.weights(registry()), again),
        Check("cache", lambda: hardware.place("cache", home()), f"Set {HOME} to another folder."),
        Check("output", lambda: hardware.place("output", output), "Choose another folder with -o."),
        Check("restoration", lambda: models.restoration(registry()), again),
    )
