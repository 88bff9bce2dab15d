"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, settings
from typer.models import CommandInfo

# However busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of golden vectors; `DIFFACE_GOLDEN` names another of the same form."""
    return Path(os.environ.get("DIFFACE_GOLDEN", Path(__file__).parent / "golden"))


@pytest.fixture(autouse=True, scope="session")
def _commands_are_built_once() -> Iterator[None]:
    """Typer reads the signatures of all commands for each run; they stay the same here."""
    build, built = typer.main.get_command_from_info, {}

    def once(command_info: CommandInfo, **settings: Any) -> Any:
        key = (command_info.callback, command_info.name, command_info.help, *settings.items())
        if key not in built:
            built[key] = build(command_info, **settings)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command_from_info", once)
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C at its default, here and in processes started here, whoever started the tests.

    They may have been started to ignore it, in the background of a script or by a program.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
