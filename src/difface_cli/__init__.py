"""Restore the faces in old and damaged photos: estimate, diffuse, denoise back.

    import difface_cli as difface

    result = difface.load("starter").restore("photo.jpg")
    result.save("restored.jpg")

Everything is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from difface_cli.base import errors as errors
    from difface_cli.runs.restorer import Restorer as Restorer
    from difface_cli.runs.restorer import Result as Result
    from difface_cli.runs.restorer import load as load

__version__ = "0.1.0"

_HOMES = {"load": "runs.restorer", "Restorer": "runs.restorer", "Result": "runs.restorer"}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("difface_cli.base.errors")
    if name in _HOMES:
        import_module("difface_cli.base.threads").prepare()  # before PyTorch is imported
        return getattr(import_module(f"difface_cli.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
