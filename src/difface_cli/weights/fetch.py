"""Bring weights to this machine: fetched or taken from a folder, checked, converted, recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from difface_cli.base.errors import DifFaceError, WeightsInvalid, WeightsMissing
from difface_cli.base.hashing import sha256
from difface_cli.weights import convert, download, lock, places, store
from difface_cli.weights.download import Patience, Report
from difface_cli.weights.registry import Source, Weights


def silent(label: str, done: int, total: int) -> None:
    """A `Report` that nobody reads."""


@dataclass(frozen=True)
class Way:
    """How weights are brought.

    Attributes:
        folder: where the files are already, by the names of their sources; nothing is fetched.
        offline: make no connection; what lies in the hub's cache is still taken.
        form: of the converted file.
    """

    folder: Path | None = None
    offline: bool = False
    form: convert.Form = field(default_factory=convert.Form)
    patience: Patience = field(default_factory=Patience)


def is_here(weights: Weights) -> bool:
    """Whether the weights are on this machine, by name alone: nothing is hashed."""
    try:
        store.find(weights)
    except WeightsMissing:
        return False
    return True


def missing(needed: Iterable[Weights]) -> list[Weights]:
    """Those that are not here, or not as they should be, and can be fetched.

    Raises:
        WeightsMissing, WeightsInvalid: for such as cannot be fetched.
    """
    wrong = faults(needed)
    for weights, error in wrong:
        if not weights.remote:
            raise error
    return [weights for weights, _ in wrong]


def faults(needed: Iterable[Weights]) -> list[tuple[Weights, DifFaceError]]:
    """What is wrong with each of these that is not here, or not as it should be."""
    found: list[tuple[Weights, DifFaceError]] = []
    for weights in needed:
        try:
            store.verified(weights)
        except (WeightsMissing, WeightsInvalid) as error:
            found.append((weights, error))
    return found


def fetch(weights: Weights, way: Way, report: Report = silent) -> Path:
    """Bring weights here unless they are, and return their verified file.

    Sources are tried in order. Several processes may ask for the same weights: one works, the
    others wait and find them done. A process that is killed leaves nothing that is taken for
    complete, and direct downloads go on where they ended.

    Raises:
        WeightsMissing: when no source brings them.
        WeightsInvalid: when what came is not what it should be.
        OutputError: when they cannot be written.
    """
    if not weights.remote or not faults([weights]):
        return store.verified(weights)
    with places.held(f"weights-{weights.name}"):
        if faults([weights]):  # else another process was faster
            places.sweep(places.converted(weights))
            _try_sources(weights, way, report)
    return store.verified(weights)


def _try_sources(weights: Weights, way: Way, report: Report) -> None:
    failures: list[DifFaceError] = []
    for source in weights.remote:
        bring = _from_folder if way.folder else _BRINGERS[source.kind]
        try:
            bring(weights, source, way, report)
            return
        except (WeightsMissing, WeightsInvalid) as e:
            failures.append(e)
    if len(failures) == 1:
        raise failures[0]
    kind = (
        WeightsInvalid if any(isinstance(e, WeightsInvalid) for e in failures) else WeightsMissing
    )
    raise kind(
        f"No source of the weights {weights.name} brings them: "
        + " ".join(f"({i}) {e.message}" for i, e in enumerate(failures, 1)),
        failures[0].hint,
    )


def _from_folder(weights: Weights, source: Source, way: Way, report: Report) -> None:
    assert way.folder is not None
    path = way.folder / source.file_name
    if not path.is_file():
        raise WeightsMissing(
            f"{way.folder} has no {source.file_name}.", "Look at the names that --dry-run shows."
        )
    _install(path, check_source(path, source), weights, source, way, report)


def _from_hub(weights: Weights, source: Source, way: Way, report: Report) -> None:
    def cached() -> Path:
        return store.from_hub(source, True, report)

    def online() -> Path:
        return store.from_hub(source, way.offline or store.offline(), report)

    try:
        cached()
    except WeightsMissing:
        tries = [online]
    else:  # a file may have been damaged in the cache; the hub may have it whole
        tries = [cached, online]
    _first_right(tries, store.drop_from_hub, weights, source, way, report)


def _from_url(weights: Weights, source: Source, way: Way, report: Report) -> None:
    if way.offline or store.offline():
        raise WeightsMissing(
            f"{source} cannot be fetched: no connection is wanted.",
            "Leave out --offline (and HF_HUB_OFFLINE), or use --from DIR.",
        )

    def get() -> Path:
        return download.download(source.location, source.size, report, way.patience)

    # What an earlier run left may be damaged, or the beginning of another file.
    tries = [get, get] if download.partial(source.location).exists() else [get]
    path = _first_right(tries, download.discard, weights, source, way, report)
    download.discard(path)


_BRINGERS: dict[str, Callable[[Weights, Source, Way, Report], None]] = {
    "hf": _from_hub,
    "url": _from_url,
}


def _first_right(
    tries: Sequence[Callable[[], Path]],
    drop: Callable[[Path], None],
    weights: Weights,
    source: Source,
    way: Way,
    report: Report,
) -> Path:
    """Install the first file that has the right hash; wrong ones are dropped."""
    for left, attempt in zip(reversed(range(len(tries))), tries, strict=True):
        path = attempt()
        report(f"checking {source.file_name}", 0, 0)
        try:
            digest = check_source(path, source)
            break
        except WeightsInvalid:
            drop(path)
            if not left:
                raise
    try:
        _install(path, digest, weights, source, way, report)
    except WeightsInvalid:
        if not source.sha256:  # nobody vouches for it: the next run asks anew
            drop(path)
        raise
    return path


def _install(
    path: Path, digest: str, weights: Weights, source: Source, way: Way, report: Report
) -> None:
    """Convert a published file and record what came of it."""
    report(f"converting {source.file_name}", 0, 0)
    target = places.converted(weights)
    converted = convert.convert(path, target, weights, source, digest, way.form)
    entry = lock.Entry(converted, target.stat().st_size, str(source), digest)
    lock.record(target, entry, source)


def check_source(path: Path, source: Source) -> str:
    """The sha256 of a published file, which must be the known one.

    Raises:
        WeightsInvalid: for another size, or another hash than published or first seen.
    """
    size = path.stat().st_size
    if source.size and size != source.size:
        raise WeightsInvalid(
            f"{path} has {size:,} bytes; {source} has {source.size:,}.",
            "The file is cut off or another one: fetch it again.",
        )
    digest = sha256(path)
    expected = lock.read().expected(source)
    if expected and digest != expected:
        where = "published" if source.sha256 else f"recorded in {lock.path()} at the first fetch"
        raise WeightsInvalid(
            f"{path} is not the file of {source}: its sha256 is {digest}, not the {where} "
            f"{expected}.",
            "Do not use it. If its owner replaced it knowingly, delete that record."
            if not source.sha256
            else "Fetch it again, or from another source.",
        )
    return digest
