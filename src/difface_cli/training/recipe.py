"""A training's settings: one TOML file, read strictly into frozen records."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from difface_cli.base.errors import RegistryError
from difface_cli.base.validation import FIXED, Untold, one_of, toml, validated
from difface_cli.degradations.masks import KINDS

TASKS = ("estimator", "prior", "detector")
ENDLESS = 10**12
PLACES = ("pictures", "validation", "workers", "memory")  # of [data]: they change no result


def _folders(value: object) -> object:
    """A folder or a list of folders."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        return texts  # pydantic refuses it
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError("is neither a folder nor a list of folders")
    return tuple(Path(os.path.expanduser(text)) for text in texts)


Folders = Annotated[tuple[Path, ...], BeforeValidator(_folders)]
Share = Annotated[float, Field(ge=0, le=1)]
Steps = Annotated[int, Field(ge=0, le=ENDLESS)]
Counted = Annotated[int, Field(ge=1, le=ENDLESS)]
Few = Annotated[int, Field(ge=1, le=2**20)]
Decays = Annotated[
    tuple[Share, ...],
    Field(min_length=1),
    BeforeValidator(lambda v: v if isinstance(v, list) else [v]),
]
Shown = Annotated[float, Field(ge=1e-3, le=1e3)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Optimizer:
    """How the parameters follow the gradient.

    Attributes:
        name: "adam" or "adamw".
        rate: the learning rate after the warm-up.
        final_rate: of the cosine, at the last step.
        decay: "cosine", "step" (times `factor` at each of `milestones`) or "constant".
        warmup: steps over which the rate climbs from 0.
        clip: the largest norm of the gradient; 0 for no limit.
    """

    name: Annotated[str, one_of("adam", "adamw")] = "adam"
    rate: Share = 1e-4
    final_rate: Share = 0.0
    decay: Annotated[str, one_of("cosine", "step", "constant")] = "cosine"
    milestones: tuple[Steps, ...] = ()
    factor: Share = 0.5
    warmup: Steps = 0
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)
    weight_decay: Share = 0.0
    clip: Annotated[float, Field(ge=0, le=1e9)] = 0.0


@dataclass(frozen=True)
class Data:
    """What is learned from.

    Attributes:
        pictures: folders of them, searched with their subfolders; none until one is named.
        validation: folders of others, whose loss is measured now and then.
        mirror, gray: shares of the pictures that are mirrored, and that lose their colour.
        light: share of the pictures whose exposure, contrast and white balance are changed.
        balance: key of the pictures' manifest → value → share of the pictures shown, see
            `balance.weights`.
        holdout: share of the people that is not learned from and measures the loss instead, where
            no folder for validation is named.
        workers: processes that prepare batches; 0 prepares them in the training's own.
        memory: whether all pictures are decoded before the first step and stay in memory.
    """

    pictures: Folders = ()
    validation: Folders = ()
    mirror: Share = 0.5
    gray: Share = 0.0
    light: Share = 0.0
    balance: Mapping[str, Mapping[str, Shown]] = field(default_factory=dict)
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    memory: bool = False


@dataclass(frozen=True)
class Every:
    """After how many steps something is done.

    Attributes:
        log: a line of metrics.
        checkpoint: all that a training resumes from, and the averaged weights.
        sheet: a picture of what the network does.
    """

    log: Counted = 50
    checkpoint: Counted = 1000
    sheet: Counted = 1000


@dataclass(frozen=True)
class Goal:
    """What is learned, for the tasks that need to be told.

    Attributes:
        degradation: of an estimator: "eq17", "wild" (what photos meet besides) or "none".
        resample: the filter of eq. 17's scaling.
        focus: of an estimator: how much more an error at eyes and mouth counts than elsewhere.
        masks: of an estimator for holes: kind → share, see `masks.KINDS`.
        loss: of a prior: "simple" (Ho et al. 2020, eq. 14), "simple+vlb" (Nichol & Dhariwal 2021,
            eq. 16, for a learned variance) or "min-snr" (Hang et al. 2023).
        predicts: of a prior, "eps" or "x0".
        snr_limit: where "min-snr" cuts its weight.
        max_timestep: of a prior: the timesteps it learns lie below.
        augment: of a prior: chance of each of the changes in `augmentation`; its network needs
            augment_channels = 10.
    """

    degradation: Annotated[str, one_of("eq17", "wild", "none")] = "eq17"
    resample: Annotated[str, one_of("bicubic", "bilinear", "area")] = "bicubic"
    focus: Annotated[float, Field(ge=0, le=100)] = 0.0
    masks: Mapping[Annotated[str, one_of(*KINDS)], Share] = field(default_factory=dict)
    loss: Annotated[str, one_of("min-snr", "simple", "simple+vlb")] = "simple"
    predicts: Annotated[str, one_of("eps", "x0")] = "eps"
    snr_limit: Annotated[float, Field(ge=1e-3, le=1e6)] = 5.0
    max_timestep: Annotated[int, Field(ge=1, le=1000)] = 1000
    augment: Share = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.masks and not any(self.masks.values()):
            raise ValueError("masks are all 0")
        if self.loss == "simple+vlb" and self.predicts != "eps":
            raise ValueError("loss is simple+vlb, which is for a prior that predicts eps")


@dataclass(frozen=True)
class Scenes:
    """What a detector's pictures are like.

    Attributes:
        tilted: share of the faces that are tilted by up to `tilt` degrees to either side; the
            others are nearly upright.
        turned: share of the faces that look to the side, by up to `turn` degrees.
        shear: of faces, standard deviation.
        worn: share of the pictures that lose most of their detail.
        creatures: share of the things beside faces that are heads of animals and cartoons.
    """

    tilted: Share = 0.1
    tilt: Annotated[float, Field(ge=0, le=180)] = 45.0
    turned: Share = 0.0
    turn: Annotated[float, Field(ge=0, le=60)] = 0.0
    shear: Share = 0.05
    worn: Share = 0.0
    creatures: Annotated[float, Field(ge=0, le=0.5)] = 0.0


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        task: "estimator", "prior" or "detector".
        network, params: the builder's name and arguments, as in models.toml.
        size: side of the pictures, pixels.
        steps: of the optimizer, in all.
        batch: pictures a step, over all processes.
        accumulate: parts that each process splits its share of a batch into, to save memory.
        ema: decay of the averaged weights a step, or several: of several averages the one is kept
            whose loss on pictures for validation is the lowest, of all moments it was measured.
        compile: whether the network is compiled (`torch.compile`), which pays on a GPU.
        start: weights of models.toml to begin with; empty begins with random ones.
        fingerprint: of everything in the file that changes the result.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # of all the records in it
    task: Annotated[str, one_of(*TASKS)]
    network: Annotated[str, Field(min_length=1)]
    steps: Counted
    params: Mapping[str, Any] = field(default_factory=dict)  # no proxy: recipes are pickled
    size: Annotated[int, Field(ge=8, le=4096)] = 256
    batch: Few = 16
    accumulate: Few = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    precision: Annotated[str, one_of("fp32", "bf16", "fp16")] = "fp32"
    channels_last: bool = True
    ema: Decays = (0.999,)
    compile: bool = False
    start: str = ""
    optimizer: Optimizer = Optimizer()
    data: Data = Data()
    goal: Goal = Goal()
    scenes: Scenes = Scenes()
    every: Every = Every()
    fingerprint: Untold = ""

    def __post_init__(self) -> None:
        """Refuse a batch that cannot be split."""
        if self.batch % self.accumulate:
            raise ValueError(f"accumulate does not divide the batch of {self.batch}")


def read(path: Path, task: str) -> Recipe:
    """The recipe in a file. Paths in it are relative to it.

    Raises:
        RegistryError: naming table and key of what is wrong.
    """
    values = toml(path)
    recipe = validated(Recipe, {"task": task} | values, path)
    if recipe.task != task:
        raise RegistryError(f"{path}: task is {recipe.task!r} and not {task!r}.", FIXED)
    pictures, validation = (
        tuple(path.parent / folder for folder in folders)
        for folders in (recipe.data.pictures, recipe.data.validation)
    )
    data = replace(recipe.data, pictures=pictures, validation=validation)
    return replace(recipe, data=data, fingerprint=_fingerprint(values))


def _fingerprint(values: Mapping[str, Any]) -> str:
    """Of what changes the result: not where pictures lie, nor what is written when."""
    kept = {k: v for k, v in values.items() if k != "every"}
    kept["data"] = {k: v for k, v in kept.get("data", {}).items() if k not in PLACES}
    return hashlib.sha256(repr(_sorted(kept)).encode()).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return value
