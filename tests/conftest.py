"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of golden vectors; `DIFFACE_GOLDEN` names another of the same form."""
    return Path(os.environ.get("DIFFACE_GOLDEN", Path(__file__).parent / "golden"))
