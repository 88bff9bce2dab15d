"""Metrics of a training as a CSV file, and for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard.writer import SummaryWriter

from difface_cli.base import atomic

CSV = "metrics.csv"
TENSORBOARD = "tensorboard"


class Metrics:
    """A line of numbers every so many steps.

    Args:
        start: steps done already; lines of later steps, left by a run that was cut off after its
            last checkpoint, are taken away.
    """

    def __init__(self, folder: Path, start: int) -> None:
        self.path = folder / CSV
        self.columns, lines = _before(self.path, start) if start else ([], [])
        rows = [self.columns, *lines] if self.columns else []
        atomic.write(self.path, "".join(",".join(row) + "\n" for row in rows).encode())
        self.board = SummaryWriter(str(folder / TENSORBOARD), purge_step=start)

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *error: object) -> None:
        self.board.close()

    def line(self, step: int, values: Mapping[str, float | None]) -> None:
        """The numbers after `step` steps (None: not measured); the first line sets the columns."""
        row = {"step": str(step)} | {
            name: "" if value is None else f"{value:.6g}" for name, value in values.items()
        }
        with self.path.open("a", newline="", encoding="utf-8") as file:
            first = not self.columns
            self.columns = self.columns or list(row)
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore", lineterminator="\n")
            if first:
                writer.writeheader()
            writer.writerow(row)
        for name, value in values.items():
            if value is not None:
                self.board.add_scalar(name, value, step)

    def sheet(self, step: int, picture: Tensor) -> None:
        """A picture for TensorBoard: 3×h×w in [0, 1]."""
        self.board.add_image("sheet", picture, step)


def _before(path: Path, start: int) -> tuple[list[str], list[list[str]]]:
    """The columns and the lines up to step `start`."""
    if not path.exists():
        return [], []
    with path.open(newline="", encoding="utf-8") as file:
        columns, *lines = list(csv.reader(file)) or [[]]
    return columns, [line for line in lines if line and int(line[0]) <= start]
