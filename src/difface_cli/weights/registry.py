"""`models.toml` as frozen records: every checkpoint the tool knows, and what it is made into.

Two kinds of blocks. `[weights.NAME]` is one file of parameters: the network it fits, where it
comes from, its hash and licence. `[models.NAME]` puts weights together into something a command
can run, with the settings that suit it. A new model is a new block, never new code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, model_validator

from difface_cli.base.errors import RegistryError
from difface_cli.base.validation import FIXED, REFUSED, Untold, matching, one_of, toml, validated

ENVIRONMENT = "DIFFACE_MODELS"
TASKS = ("restore", "inpaint", "colorize", "detect", "parse", "background", "metrics")
PARTS = ("prior", "estimator", "detector", "landmarks", "parser", "background", "metrics")
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "restore": ("prior", "estimator", "detector"),
        "inpaint": ("prior", "estimator", "detector"),
        "colorize": ("prior", "detector"),  # the grey photo itself is what is diffused
    }
)
KINDS = ("package", "installed", "path", "hf", "url")
SECURE = ("https",)
HASH = "[0-9a-f]{64}"
HASH_MEANING = "64 lower-case hexadecimal digits"

Named = Annotated[str, Field(min_length=1)]
Bytes = Annotated[int, Field(alias="bytes", ge=0, le=2**40)]
Hash = Annotated[str, matching(f"|{HASH}", HASH_MEANING)]
INSTALLED = re.compile(r"[A-Za-z_]\w*(/\w[\w.-]*)+")
NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"  # it becomes part of a file's name
Name = Annotated[str, matching(NAME, "made of letters, digits, dots, dashes, underscores")]


@dataclass(frozen=True)
class Source:
    """One place a file comes from.

    Attributes:
        kind: "package" (shipped with the tool), "installed" (with another package), "path" (on this
            machine), "hf" or "url".
        location: path in the package, or after the other package's name; absolute path, hub
            repository, or address.
        file, revision, repo_type: of a hub repository.
        size, sha256: of this very file; 0 and empty where nobody published them.
        layout: "published" for the names of the authors' code, "diffusers" for that library's.
        prefix: before the names that are meant, in a file that holds more than one network.
        extra: of this tool, which installs the other package.
    """

    kind: Untold
    location: Annotated[str, Field(validation_alias=AliasChoices(*KINDS), min_length=1)]
    file: Named = ""
    revision: Annotated[str, matching("[0-9a-f]{40}", "a pinned commit, 40 digits")] = ""
    repo_type: Annotated[str, one_of("model", "space", "dataset")] = "model"
    size: Bytes = 0
    sha256: Hash = ""
    layout: Annotated[str, one_of("published", "diffusers")] = "published"
    prefix: str = ""
    extra: str = ""

    @model_validator(mode="wrap")
    @classmethod
    def _of_table(cls, table: Any, validate: Callable[[Any], Self]) -> Self:
        """With the kind, which is the key of the location."""
        if not isinstance(table, dict):
            return validate(table)  # which complains
        kinds = [kind for kind in KINDS if kind in table]
        if len(kinds) != 1:
            raise ValueError(f"exactly one of {', '.join(KINDS)} must be given")
        source = replace(validate(table), kind=kinds[0])
        if source.kind == "url" and not safe_address(source.location):
            raise ValueError("url is no https address")
        if source.kind == "installed" and not INSTALLED.fullmatch(source.location):
            raise ValueError("installed is no PACKAGE/FILE")
        hub = {"file", "revision", "repo_type"} & table.keys()
        if source.kind == "hf" and not hub >= {"file", "revision"}:
            raise ValueError("hf needs file and revision")
        if source.kind != "hf" and hub:
            raise ValueError(f"{min(hub)} goes with hf alone")
        return source

    def __str__(self) -> str:
        if self.kind != "hf":
            return self.location
        return f"hf:{self.repo_type}/{self.location}@{self.revision}/{self.file}"

    @property
    def remote(self) -> bool:
        """Whether the file must be fetched before it can be used."""
        return self.kind in ("hf", "url")

    @property
    def file_name(self) -> str:
        """The file's name without folders, as it is saved by whoever fetches it by hand."""
        return PurePosixPath(self.file or urlsplit(self.location).path).name


@dataclass(frozen=True)
class Weights:
    """One file of parameters and the network it fits.

    Attributes:
        part: what it does in a model, one of `PARTS`.
        network: the builder's name ("unet", "swinir", "retinaface", …).
        params: the builder's arguments.
        predicts: of a prior, "eps" or "x0".
        max_timestep: of a prior, below which timesteps it was trained.
        sources: in order of preference.
        size: in bytes, 0 where unknown.
        sha256: of the file at the source; empty where nobody published one.
        model: name of the model they were asked for, for hints; empty when there is none.
    """

    name: Untold
    part: Annotated[str, one_of(*PARTS)]
    network: Named
    params: Annotated[Mapping[str, Any], AfterValidator(MappingProxyType)] = field(
        default_factory=lambda: MappingProxyType({})
    )
    predicts: Annotated[str, one_of("eps", "x0")] = "eps"
    max_timestep: Annotated[int, Field(ge=1, le=1000)] = 1000
    sources: Annotated[tuple[Source, ...], Field(min_length=1, validate_default=True)] = ()
    size: Bytes = 0
    sha256: Hash = ""
    licence: str = ""
    licence_url: str = ""
    notes: str = ""
    model: Untold = ""

    @model_validator(mode="wrap")
    @classmethod
    def _of_table(cls, table: Any, validate: Callable[[Any], Self]) -> Self:
        """With what sources take over, unless they have a size or hash, even an unknown one."""
        weights = validate(table)
        sources = [
            source
            if {"bytes", "sha256"} & given.keys()
            else replace(source, size=weights.size, sha256=weights.sha256)
            for source, given in zip(weights.sources, table["sources"], strict=True)
        ]
        return replace(weights, sources=tuple(sources))

    @property
    def remote(self) -> tuple[Source, ...]:
        """The sources that files are fetched from."""
        return tuple(source for source in self.sources if source.remote)


@dataclass(frozen=True)
class Model:
    """Weights put together for a task.

    Attributes:
        parts: part → name of its weights.
        image_size: side of the aligned faces it works on, pixels.
        n, steps, eta, sampler, guidance: the settings that suit it, where the user names none.
        auto_n: whether it suits it best that each face has an N of its own, at most `n`, see
            `trust.auto_n`.
    """

    name: Untold
    task: Annotated[str, one_of(*TASKS)]
    parts: Annotated[Mapping[str, str], Field(default={}), REFUSED]
    image_size: Annotated[int, Field(ge=32, le=4096)] = 512
    n: Annotated[int, Field(ge=1, le=999)] = 400
    steps: Annotated[int, Field(ge=1)] = 100
    eta: Annotated[float, Field(ge=0, le=1)] = 0.5
    sampler: Annotated[str, one_of("ddim", "ddpm", "dpm++")] = "ddim"
    guidance: Annotated[float, Field(ge=0, le=10)] = 0.0
    auto_n: bool = False
    notes: str = ""

    @model_validator(mode="wrap")
    @classmethod
    def _of_table(cls, table: Any, validate: Callable[[Any], Self]) -> Self:
        """With its parts gathered, and no more steps than N."""
        if not isinstance(table, dict):
            return validate(table)  # which complains
        model = validate({key: value for key, value in table.items() if key not in PARTS})
        if "steps" in table and model.steps > model.n:
            raise ValueError(f"steps is {model.steps}, and n, their most, is {model.n}")
        parts = {part: table[part] for part in PARTS if table.get(part, "") != ""}
        return replace(model, parts=MappingProxyType(parts), steps=min(model.steps, model.n))


@dataclass(frozen=True)
class Registry:
    """All that the tool knows, by name."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # of all the records in it
    models: Mapping[str, Model] = field(default_factory=dict)
    weights: Mapping[Name, Weights] = field(default_factory=dict)

    def model(self, name: str, task: str = "") -> Model:
        """The model of this name, for this task.

        Raises:
            RegistryError: when there is none, naming those there are.
        """
        fitting = [m.name for m in self.models.values() if task in ("", m.task)]
        if name not in fitting:
            raise RegistryError(
                f"There is no {task + ' ' if task else ''}model {name!r}.",
                f"Choose one of: {', '.join(fitting)}, or add a block to your models.toml.",
            )
        return self.models[name]

    def part(self, model: Model, part: str) -> Weights | None:
        """The weights that stand for this part of the model, if it has the part."""
        name = model.parts.get(part)
        return replace(self.weights[name], model=model.name) if name else None

    def parts(self, *models: Model) -> list[Weights]:
        """The weights of these models, each once."""
        found = (self.part(model, part) for model in models for part in model.parts)
        return list({weights.name: weights for weights in found if weights}.values())

    def named(self, names: Iterable[str]) -> list[Model]:
        """The models of these names; weights of their own count as a model of one part.

        Raises:
            RegistryError: for a name that is neither.
        """
        return [
            Model(name, "restore", {self.weights[name].part: name})
            if name not in self.models and name in self.weights
            else self.model(name)
            for name in dict.fromkeys(names)
        ]


def builtin_path() -> Path:
    """The `models.toml` of the package: inside the wheel, or at the top of a checkout."""
    packaged = Path(__file__).parents[1] / "models.toml"
    return packaged if packaged.exists() else Path(__file__).parents[3] / "models.toml"


def load(extra: Path | None = None) -> Registry:
    """The built-in registry, with the blocks of the user's own file added.

    Args:
        extra: the user's file; without it the one named by `DIFFACE_MODELS`, if any. Its blocks
            replace built-in ones of the same name.

    Raises:
        RegistryError: naming file, table and key of what is wrong.
    """
    registry = read(builtin_path(), Registry())
    if extra is None and (named := os.environ.get(ENVIRONMENT)):
        extra = Path(named)
    return registry if extra is None else read(extra, registry)


def read(path: Path, base: Registry) -> Registry:
    """One file's blocks on top of `base`."""
    given = validated(Registry, toml(path), path)
    placed = {name: _placed(name, weights, path.parent) for name, weights in given.weights.items()}
    weights, models = {**base.weights, **placed}, dict(base.models)
    for name, model in given.models.items():
        if problem := _problem(model, weights):
            raise RegistryError(f"{path}: in [models.{name}], {problem}.", FIXED)
        models[name] = replace(model, name=name)
    return Registry(MappingProxyType(models), MappingProxyType(weights))


def _placed(name: str, weights: Weights, folder: Path) -> Weights:
    """With the name, and absolute paths."""
    sources = (
        replace(source, location=str(folder / os.path.expanduser(source.location)))
        if source.kind == "path"
        else source
        for source in weights.sources
    )
    return replace(weights, name=name, sources=tuple(sources))


def _problem(model: Model, weights: Mapping[str, Weights]) -> str:
    """What keeps these parts from doing the task together; empty where nothing does."""
    for part, used in model.parts.items():
        if not isinstance(used, str) or used not in weights:
            return f"{part} names weights {used!r}, which no [weights.{used}] describes"
        if weights[used].part != part:
            return f"{part} names weights {used!r}, which are a {weights[used].part}"
    for needed in NEEDED.get(model.task, ()):
        if needed not in model.parts:
            return f"{needed} is missing, and the task {model.task} needs it"
    if model.task in NEEDED and model.n > (limit := weights[model.parts["prior"]].max_timestep):
        return f"n is above {limit}, where the training of its prior ends"
    return ""


def safe_address(url: str) -> bool:
    """Whether nobody on the way can change what this address brings: https, or this machine."""
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        return bool(parts.hostname) and parts.scheme in (("https", "http") if loopback else SECURE)
    except ValueError:
        return False
