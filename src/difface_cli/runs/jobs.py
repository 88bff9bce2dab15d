"""Where results go: decided for all photos, and refused where it must be, before any work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from difface_cli.base.errors import OutputError, UsageError

STREAM = "-"
FOLDER = Path("restored")


@dataclass(frozen=True)
class Job:
    """One photo to do.

    Attributes:
        source: the photo as the user named it, "-" for stdin.
        target: the file of the (first) result; None for stdout.
        samples: how many results there will be.
        preview: whether nothing but a picture of the numbered faces is written.
        report: whether a page to look at is written as well.
        contact: whether several results come with a contact sheet.
        place: its name in the tree of results of a run over folders, with "/"; else empty.
        twin: whether another photo of the run differs in its suffix alone, so that what is
            written beside the result takes the suffix into its name.
    """

    source: str
    target: Path | None
    samples: int = 1
    preview: bool = False
    report: bool = False
    contact: bool = False
    place: str = ""
    twin: bool = False

    def beside(self, ending: str) -> Path:
        """A file or folder beside the result, called after it."""
        if self.target is None:
            raise ValueError("a stream has no file")
        stem = self.target.name if self.twin else self.target.stem
        return self.target.with_name(stem + ending)

    def sample(self, k: int) -> Path:
        """The file of the k-th sample: photo.jpg, photo.sample2.jpg, photo.sample3.jpg, …"""
        if self.target is None:
            raise ValueError("a stream has no file")
        if k == 0:
            return self.target
        return self.target.with_name(f"{self.target.stem}.sample{k + 1}{self.target.suffix}")

    @property
    def sheet(self) -> Path | None:
        """The file of the contact sheet, photo.samples.png; None when there is none."""
        if self.target is None or not self.contact or self.samples == 1:
            return None
        return self.beside(".samples.png")

    @property
    def files(self) -> list[Path]:
        """Results, sheet, report, then the record; not the faces of --save-faces."""
        if self.target is None:
            return []
        if self.preview:
            return [self.beside(".faces.png")]
        samples = [self.sample(k) for k in range(self.samples)]
        sheet = [] if self.sheet is None else [self.sheet]
        pages = [self.page] if self.report else []
        return [*samples, *sheet, *pages, self.beside(".json")]

    @property
    def page(self) -> Path:
        """The file of the report."""
        return self.beside(".html")

    @property
    def faces(self) -> Path:
        """The folder of --save-faces."""
        return self.beside("_faces")


SINGLE = Job("", None)


def plan(
    sources: list[str],
    output: Path | None,
    like: Job = SINGLE,
    *,
    overwrite: bool = False,
    masks: Sequence[Path] = (),
    folder: Path = FOLDER,
) -> list[Job]:
    """Decide each photo's output.

    Args:
        output: the user's -o: a file for a single photo, or a folder; None for `folder`, or
            stdout for stdin. "-" for stdout.
        like: what holds for each of the jobs.
        masks: files and folders that are read beside the photos.

    Raises:
        UsageError: for an output that cannot serve all photos, or hold a report.
        OutputError: for one that would touch an input or a file that is there already.
    """
    if sources.count(STREAM) > 1:
        raise UsageError("stdin can be read once only.", "Name - a single time.")
    jobs = [
        replace(like, source=name, target=_target(name, output, len(sources), folder))
        for name in sources
    ]
    if like.report and jobs[0].target is None:
        raise UsageError("stdout holds the photo, not a report.", "Name an output file with -o.")
    if like.samples > 1 and jobs[0].target is None:
        raise UsageError("stdout holds one result only.", "Name a file or folder with -o.")
    _refuse_clashes(jobs)
    inputs = {_identity(Path(name)): name for name in sources if name != STREAM}
    for job in jobs:
        _refuse_inputs(job, inputs)
        _refuse_masks(job, masks)
        if not overwrite:
            refuse_existing(job)
    return jobs


@contextmanager
def folder(path: Path) -> Iterator[None]:
    """Make a folder for results before the work that gives them; take it away if that fails.

    Raises:
        OutputError: when it cannot be made or nothing can be written there.
    """
    with folders() as make:
        make(path)
        yield


@contextmanager
def folders() -> Iterator[Callable[[Path], None]]:
    """Make folders for results as they are asked for; take those away that stay empty.

    Raises:
        OutputError: where it is asked for, when one cannot be made or written to.
    """
    missing: list[Path] = []

    def make(path: Path) -> None:
        missing.extend(p for p in (path, *path.parents) if not p.exists())
        _make(path)

    try:
        yield make
    finally:
        for made in sorted(missing, reverse=True):  # the inner ones first
            with suppress(OSError):  # something is in it
                made.rmdir()


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise OutputError(
            f"The folder {path} cannot be made: {e.strerror}.", "Choose another folder with -o."
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError(
            f"Nothing can be written to the folder {path}.", "Choose another folder with -o."
        )


def _target(source: str, output: Path | None, count: int, folder: Path) -> Path | None:
    from difface_cli.images.writing import format_for

    if str(output) == STREAM or (output is None and source == STREAM):
        if count > 1:
            raise UsageError("stdout holds one photo only.", "Give a folder with -o.")
        return None
    if output is not None and not output.is_dir() and output.suffix:
        if count > 1:
            raise UsageError(
                f"{output} is one file for {count} photos.", "Give a folder with -o instead."
            )
        format_for(output)
        return output
    name = Path("stdin.png" if source == STREAM else source).name
    return (output or folder) / writable(name)


def writable(name: str) -> str:
    """The name of the result for a photo of this name: PNG where its format is not written."""
    from difface_cli.images.writing import SUFFIXES

    return name if Path(name).suffix.lower() in SUFFIXES else name + ".png"


def _refuse_clashes(jobs: list[Job]) -> None:
    taken: dict[Path, str] = {}
    for job in jobs:
        for path in job.files:
            if (other := taken.setdefault(path, job.source)) != job.source:
                raise OutputError(
                    f"{other} and {job.source} would both be written to {path}.",
                    "Do them one after the other into different folders.",
                )


def _refuse_inputs(job: Job, inputs: Mapping[object, str]) -> None:
    for path in job.files:
        if source := inputs.get(_identity(path)):
            raise OutputError(
                f"The output {path} is the input {source} itself, which is never changed.",
                "Choose another file or folder with -o.",
            )


def _refuse_masks(job: Job, masks: Sequence[Path]) -> None:
    for path in job.files:
        for mask in masks:
            if same(path, mask) or same(path.parent, mask):
                raise OutputError(
                    f"The output {path} would be written over a mask, or among the masks of "
                    f"{mask}.",
                    "Choose another file or folder with -o.",
                )


def refuse_existing(job: Job) -> None:
    """Raise OutputError where a file of the job is there already."""
    for path in job.files:
        if os.path.lexists(path):
            raise OutputError(
                f"{path} exists already.", "Add --overwrite to replace it, or choose another -o."
            )


def real(path: Path) -> Path:
    """Where a path leads, all links followed; `Path.resolve` raises at links in circles."""
    return Path(os.path.realpath(path))


def same(a: Path, b: Path) -> bool:
    """Whether two paths lead to the same file or folder, there already or not."""
    return _identity(a) == _identity(b)


def _identity(path: Path) -> object:
    """Equal for all paths that lead to the same file or folder."""
    try:
        found = path.stat()
    except OSError:
        return real(path)
    return found.st_dev, found.st_ino


@contextmanager
def all_or_none(files: list[Path]) -> Iterator[None]:
    """Take away the files made inside, should anything fail there; files of before stay."""
    new = [path for path in files if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
