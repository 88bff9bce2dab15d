"""Restoring: estimate, diffuse to step N, denoise back. The plain case of a task."""

from __future__ import annotations

from typing import ClassVar

from difface_cli.tasks.task import Task


class Restore(Task):
    """The faces of photos that are blurred, small, noisy or badly compressed."""

    name: ClassVar[str] = "restore"
    done: ClassVar[str] = "restored"
    doing: ClassVar[str] = "restoring"
    gauged: ClassVar[bool] = True
    enlarges: ClassVar[bool] = True
