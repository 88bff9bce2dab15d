"""`models.toml` as frozen records: every checkpoint the tool knows, and what it is made into.

Two kinds of blocks. `[weights.NAME]` is one file of parameters: the network it fits, where it
comes from, its hash and licence. `[models.NAME]` puts weights together into something a command
can run, with the settings that suit it. A new model is a new block, never new code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from difface_cli.base.errors import RegistryError
from difface_cli.base.tables import Table

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
REPO_TYPES = ("model", "space", "dataset")
LAYOUTS = ("published", "diffusers")
SECURE = ("https",)
HASH = "[0-9a-f]{64}"
HASH_MEANING = "64 lower-case hexadecimal digits"
NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True)
class Source:
    """One place a file comes from.

    Attributes:
        kind: "package" (shipped with the tool), "path" (on this machine), "hf" or "url".
        location: path in the package, absolute path, hub repository, or address.
        file, revision, repo_type: of a hub repository.
        size, sha256: of this very file; 0 and empty where nobody published them.
        layout: "published" for the names of the authors' code, "diffusers" for that library's.
        prefix: before the names that are meant, in a file that holds more than one network.
    """

    kind: str
    location: str
    file: str = ""
    revision: str = ""
    repo_type: str = "model"
    size: int = 0
    sha256: str = ""
    layout: str = "published"
    prefix: str = ""

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

    name: str
    part: str
    network: str
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    predicts: str = "eps"
    max_timestep: int = 1000
    sources: tuple[Source, ...] = ()
    size: int = 0
    sha256: str = ""
    licence: str = ""
    licence_url: str = ""
    notes: str = ""
    model: str = ""

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
        n, steps, eta: the settings that suit it, where the user names none.
        auto_n: whether it suits it best that each face has an N of its own, see `auto_n`.
    """

    name: str
    task: str
    parts: Mapping[str, str]
    image_size: int = 512
    n: int = 400
    steps: int = 100
    eta: float = 0.5
    auto_n: bool = False
    notes: str = ""


@dataclass(frozen=True)
class Registry:
    """All that the tool knows, by name."""

    models: Mapping[str, Model]
    weights: Mapping[str, Weights]

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
    registry = read(builtin_path(), Registry({}, {}))
    if extra is None and (named := os.environ.get(ENVIRONMENT)):
        extra = Path(named)
    return registry if extra is None else read(extra, registry)


def read(path: Path, base: Registry) -> Registry:
    """One file's blocks on top of `base`."""
    root = Table.of_file(path)
    weights = dict(base.weights)
    for name, table in root.tables("weights"):
        weights[name] = _weights(name, table)
    models = dict(base.models)
    for name, table in root.tables("models"):
        models[name] = _model(name, table, weights)
    root.end()
    return Registry(MappingProxyType(models), MappingProxyType(weights))


def _weights(name: str, table: Table) -> Weights:
    weights = Weights(
        name=name,
        part=table.choice("part", PARTS),
        network=table.text("network"),
        params=MappingProxyType(table.value("params", dict, {})),
        predicts=table.choice("predicts", ("eps", "x0"), "eps"),
        max_timestep=table.number("max_timestep", 1000, 1, 1000),
        size=table.number("bytes", 0, 0, 2**40),
        sha256=table.pattern("sha256", HASH, HASH_MEANING),
        licence=table.text("licence", ""),
        licence_url=table.text("licence_url", ""),
        notes=table.text("notes", ""),
    )
    if not re.fullmatch(NAME, name):  # it becomes part of a file's name
        raise table.error(None, "must be named with letters, digits, dots, dashes, underscores")
    sources = tuple(_source(source, weights) for source in table.array("sources"))
    table.end()
    return replace(weights, sources=sources)


def _source(table: Table, weights: Weights) -> Source:
    kinds = [kind for kind in ("package", "path", "hf", "url") if kind in table.values]
    if len(kinds) != 1:
        raise table.error(None, "needs exactly one of package, path, hf, url")
    (kind,) = kinds
    source = Source(kind, table.text(kind))
    if kind == "path":
        local = table.path.parent / Path(source.location).expanduser()
        source = replace(source, location=str(local))
    elif kind == "url" and not safe_address(source.location):
        raise table.error("url", "is no https address")
    elif kind == "hf":
        source = replace(
            source,
            file=table.text("file"),
            revision=table.pattern("revision", "[0-9a-f]{40}", "a pinned commit, 40 digits", True),
            repo_type=table.choice("repo_type", REPO_TYPES, "model"),
        )
    # A source with a size or hash of its own, even an unknown one, is another file than the rest.
    own = "bytes" in table.values or "sha256" in table.values
    source = replace(
        source,
        size=table.number("bytes", 0 if own else weights.size, 0, 2**40),
        sha256=table.pattern("sha256", HASH, HASH_MEANING) if own else weights.sha256,
        layout=table.choice("layout", LAYOUTS, "published"),
        prefix=table.text("prefix", ""),
    )
    table.end()
    return source


def safe_address(url: str) -> bool:
    """Whether nobody on the way can change what this address brings: https, or this machine."""
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        return bool(parts.hostname) and parts.scheme in (("https", "http") if loopback else SECURE)
    except ValueError:
        return False


def _model(name: str, table: Table, weights: Mapping[str, Weights]) -> Model:
    parts = {}
    for part in PARTS:
        used = table.text(part, "")
        if not used:
            continue
        if used not in weights:
            raise table.error(part, f"names weights {used!r}, which no [weights.{used}] describes")
        if weights[used].part != part:
            raise table.error(part, f"names weights {used!r}, which are a {weights[used].part}")
        parts[part] = used
    n = table.number("n", 400, 1, 999)
    model = Model(
        name=name,
        task=table.choice("task", TASKS),
        parts=MappingProxyType(parts),
        image_size=table.number("image_size", 512, 32, 4096),
        n=n,
        steps=table.number("steps", min(n, 100), 1, n),
        eta=table.real("eta", 0.5, 0, 1),
        auto_n=table.flag("auto_n", False),
        notes=table.text("notes", ""),
    )
    for needed in NEEDED.get(model.task, ()):
        if needed not in parts:
            raise table.error(needed, f"is missing, and the task {model.task} needs it")
    if model.task in NEEDED:
        limit = weights[parts["prior"]].max_timestep
        if n > limit:
            raise table.error("n", f"is above {limit}, where the training of its prior ends")
    table.end()
    return model
