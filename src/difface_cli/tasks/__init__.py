"""What is done with the faces of photos: one engine, and a short file for each task.

`engine` goes through the stages: `preparing` finds faces and cuts them out, `drawing` sends them
through the networks, `finishing` judges them and puts them back. `task` says what the engine asks
of a task; `restore`, `inpaint` and `colorize` answer. `results` are what the stages hand on.
"""

from __future__ import annotations

from difface_cli.tasks.colorize import Colorize
from difface_cli.tasks.engine import Engine
from difface_cli.tasks.inpaint import Inpaint
from difface_cli.tasks.restore import Restore
from difface_cli.tasks.results import Crops, Cut, Drawn, Found, Prepared, Result, Scene
from difface_cli.tasks.task import Task

TASKS: tuple[type[Task], ...] = (Restore, Inpaint, Colorize)

__all__ = [
    "TASKS",
    "Colorize",
    "Crops",
    "Cut",
    "Drawn",
    "Engine",
    "Found",
    "Inpaint",
    "Prepared",
    "Restore",
    "Result",
    "Scene",
    "Task",
]
