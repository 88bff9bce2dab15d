"""A training's settings: one TOML file, read strictly into frozen records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from difface_cli.base.tables import Table
from difface_cli.degradations.masks import KINDS

TASKS = ("estimator", "prior", "detector")
OPTIMIZERS = ("adam", "adamw")
DECAYS = ("cosine", "step", "constant")
PRECISIONS = ("fp32", "bf16", "fp16")
DEGRADATIONS = ("eq17", "wild", "none")
RESAMPLES = ("bicubic", "bilinear", "area")
LOSSES = ("min-snr", "simple", "simple+vlb")
ENDLESS = 10**12
PLACES = ("pictures", "validation", "workers")  # of [data]: they change no result


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

    name: str = "adam"
    rate: float = 1e-4
    final_rate: float = 0.0
    decay: str = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.5
    warmup: int = 0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 0.0


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
        workers: processes that prepare batches; 0 prepares them in the training's own.
    """

    pictures: tuple[Path, ...] = ()
    validation: tuple[Path, ...] = ()
    mirror: float = 0.5
    gray: float = 0.0
    light: float = 0.0
    balance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    workers: int = 0


@dataclass(frozen=True)
class Every:
    """After how many steps something is done.

    Attributes:
        log: a line of metrics.
        checkpoint: all that a training resumes from, and the averaged weights.
        sheet: a picture of what the network does.
    """

    log: int = 50
    checkpoint: int = 1000
    sheet: int = 1000


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
    """

    degradation: str = "eq17"
    resample: str = "bicubic"
    focus: float = 0.0
    masks: Mapping[str, float] = field(default_factory=dict)
    loss: str = "simple"
    predicts: str = "eps"
    snr_limit: float = 5.0
    max_timestep: int = 1000


@dataclass(frozen=True)
class Scenes:
    """What a detector's pictures are like.

    Attributes:
        tilted: share of the faces that are tilted by up to `tilt` degrees to either side; the
            others are nearly upright.
        turned: share of the faces that look to the side, by up to `turn` degrees.
        shear: of faces, standard deviation.
        worn: share of the pictures that lose most of their detail.
    """

    tilted: float = 0.1
    tilt: float = 45.0
    turned: float = 0.0
    turn: float = 0.0
    shear: float = 0.05
    worn: float = 0.0


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
        ema: decay of the averaged weights a step.
        start: weights of models.toml to begin with; empty begins with random ones.
        fingerprint: of everything in the file that changes the result.
    """

    task: str
    network: str
    params: Mapping[str, Any]
    size: int
    steps: int
    batch: int
    accumulate: int = 1
    seed: int = 0
    precision: str = "fp32"
    channels_last: bool = True
    ema: float = 0.999
    start: str = ""
    optimizer: Optimizer = Optimizer()
    data: Data = Data()
    goal: Goal = Goal()
    scenes: Scenes = Scenes()
    every: Every = Every()
    fingerprint: str = ""


def read(path: Path, task: str) -> Recipe:
    """The recipe in a file. Paths in it are relative to it.

    Raises:
        RegistryError: naming table and key of what is wrong.
    """
    root = Table.of_file(path)
    named = root.choice("task", TASKS, task)
    if named != task:
        raise root.error("task", f"is {named!r}, and {task} is what is to be trained")
    recipe = Recipe(
        task=task,
        network=root.text("network"),
        params=root.value("params", dict, {}),  # no proxy: processes are sent recipes as pickles
        size=root.number("size", 256, 8, 4096),
        steps=root.number("steps", 0, 1, ENDLESS),
        batch=root.number("batch", 16, 1, 2**20),
        accumulate=root.number("accumulate", 1, 1, 2**20),
        seed=root.number("seed", 0, 0, 2**63 - 1),
        precision=root.choice("precision", PRECISIONS, "fp32"),
        channels_last=root.flag("channels_last", True),
        ema=root.real("ema", 0.999, 0, 1),
        start=root.text("start", ""),
        optimizer=_optimizer(root.table("optimizer")),
        data=_data(root.table("data")),
        goal=_goal(root.table("goal")),
        scenes=_scenes(root.table("scenes")),
        every=_every(root.table("every")),
        fingerprint=_fingerprint(root),
    )
    root.end()
    if recipe.batch % recipe.accumulate:
        raise root.error("accumulate", f"does not divide the batch of {recipe.batch}")
    return recipe


def _optimizer(table: Table) -> Optimizer:
    betas = table.numbers("betas", (0.9, 0.999), 0, 1)
    if len(betas) != 2 or max(betas) == 1:
        raise table.error("betas", "are two numbers, 0 or more and below 1")
    optimizer = Optimizer(
        name=table.choice("name", OPTIMIZERS, "adam"),
        rate=table.real("rate", 1e-4, 0, 1),
        final_rate=table.real("final_rate", 0.0, 0, 1),
        decay=table.choice("decay", DECAYS, "cosine"),
        milestones=tuple(int(step) for step in table.numbers("milestones", (), 0, ENDLESS)),
        factor=table.real("factor", 0.5, 0, 1),
        warmup=table.number("warmup", 0, 0, ENDLESS),
        betas=(betas[0], betas[1]),
        weight_decay=table.real("weight_decay", 0.0, 0, 1),
        clip=table.real("clip", 0.0, 0, 1e9),
    )
    table.end()
    return optimizer


def _data(table: Table) -> Data:
    data = Data(
        pictures=_paths(table, "pictures"),
        validation=_paths(table, "validation"),
        mirror=table.real("mirror", 0.5, 0, 1),
        gray=table.real("gray", 0.0, 0, 1),
        light=table.real("light", 0.0, 0, 1),
        balance=_balance(table.table("balance")),
        workers=table.number("workers", 0, 0, 256),
    )
    table.end()
    return data


def _balance(table: Table) -> Mapping[str, Mapping[str, float]]:
    """By hand, for the keys are the manifest's."""
    keys = {key: table.table(key) for key in table.values}
    return {
        key: {value: shares.real(value, 0, 1e-3, 1e3) for value in shares.values}
        for key, shares in keys.items()
    }


def _goal(table: Table) -> Goal:
    shares = table.table("masks")
    goal = Goal(
        degradation=table.choice("degradation", DEGRADATIONS, "eq17"),
        resample=table.choice("resample", RESAMPLES, "bicubic"),
        focus=table.real("focus", 0.0, 0, 100),
        masks={k: shares.real(k, 0, 0, 1) for k in KINDS if k in shares.values},
        loss=table.choice("loss", LOSSES, "simple"),
        predicts=table.choice("predicts", ("eps", "x0"), "eps"),
        snr_limit=table.real("snr_limit", 5.0, 1e-3, 1e6),
        max_timestep=table.number("max_timestep", 1000, 1, 1000),
    )
    shares.end()
    table.end()
    if goal.masks and not any(goal.masks.values()):
        raise table.error("masks", "are all 0")
    if goal.loss == "simple+vlb" and goal.predicts != "eps":
        raise table.error("loss", "is simple+vlb, which is for a prior that predicts eps")
    return goal


def _scenes(table: Table) -> Scenes:
    scenes = Scenes(
        tilted=table.real("tilted", 0.1, 0, 1),
        tilt=table.real("tilt", 45.0, 0, 180),
        turned=table.real("turned", 0.0, 0, 1),
        turn=table.real("turn", 0.0, 0, 60),
        shear=table.real("shear", 0.05, 0, 1),
        worn=table.real("worn", 0.0, 0, 1),
    )
    table.end()
    return scenes


def _every(table: Table) -> Every:
    every = Every(
        log=table.number("log", 50, 1, ENDLESS),
        checkpoint=table.number("checkpoint", 1000, 1, ENDLESS),
        sheet=table.number("sheet", 1000, 1, ENDLESS),
    )
    table.end()
    return every


def _paths(table: Table, key: str) -> tuple[Path, ...]:
    """A folder or a list of folders."""
    value = table.value(key, (str, list), [])
    texts = [value] if isinstance(value, str) else value
    if not all(isinstance(text, str) and text for text in texts):
        raise table.error(key, "is neither a folder nor a list of folders")
    return tuple(table.path.parent / Path(text).expanduser() for text in texts)


def _fingerprint(root: Table) -> str:
    """Of what changes the result: not where pictures lie, nor what is written when."""
    kept = {k: v for k, v in root.values.items() if k != "every"}
    kept["data"] = {k: v for k, v in kept.get("data", {}).items() if k not in PLACES}
    return hashlib.sha256(repr(_sorted(kept)).encode()).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return value
