"""What holds for all photos of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from difface_cli import models
from difface_cli.base import machine
from difface_cli.base.hashing import sha256
from difface_cli.models import Ready
from difface_cli.runs import references
from difface_cli.tasks import Restore, Task
from difface_cli.tasks.options import Options
from difface_cli.trust.choosing import IDENTITY
from difface_cli.weights.registry import Model, Registry


@dataclass(frozen=True)
class Session:
    """A task, a model, and all that is chosen about them.

    Attributes:
        quality: of JPEG and WebP files.
        save_faces: whether each face is written too, as found, estimated and drawn.
        references: photos of the person that samples are chosen or guided by.
        timeless: whether the records beside results leave out when and how fast they were made,
            so that the same run gives the same bytes; its manifest tells that.
    """

    registry: Registry
    model: Model
    device: torch.device
    dtype: torch.dtype
    task: Task = field(default_factory=Restore)
    options: Options = field(default_factory=Options)
    detect_size: int = 1280
    quality: int = 95
    save_faces: bool = False
    compiled: bool = False
    references: tuple[Path, ...] = ()
    timeless: bool = False

    @cached_property
    def ready(self) -> Ready:
        """The model, loaded when the first photo could be read.

        Raises:
            WeightsMissing, WeightsInvalid, RegistryError, FaceError: see `models.load` and
                `references.equipped`.
        """
        options = self.options
        ready = models.load(
            self.registry,
            self.model,
            self.device,
            self.dtype,
            detector=not (options.aligned or options.by_hand) or bool(self.references),
            detect_size=self.detect_size,
            compiled=self.compiled,
        )
        if self.task.gauged:
            ready = references.recognising(self.registry, ready)
        if options.guide:
            ready = references.guided(self.registry, ready, self.references)
        if options.choose == IDENTITY:
            return references.equipped(self.registry, ready, self.references)
        return references.measuring(self.registry, ready) if options.trust > 1 else ready

    @property
    def overlaps(self) -> bool:
        """Whether photos are read and written beside the networks, and share their calls.

        Where the networks' threads have every core already they would only be held up: on two
        cores a folder then took 8 to 15 % longer, with one core to spare 25 % less.
        """
        spare = self.device.type != "cpu" or torch.get_num_threads() < machine.cores()
        return spare or self.options.batch > 1

    def choices(self) -> tuple[Any, ...]:
        """All that bears on the results, but not where they are computed."""
        return (
            self.model,
            [self.registry.part(self.model, part) for part in sorted(self.model.parts)],
            str(self.dtype),
            self.compiled,
            self.task.name,
            self.task.settings(),
            replace(self.options, batch=0, by_hand=()),
            [(face.box, face.landmarks.tolist()) for face in self.options.by_hand],
            [sha256(path) for path in self.references],
            self.detect_size,
            self.quality,
            self.save_faces,
        )
