"""A folder of pictures degraded into a test set: outputs decided, pictures made, a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from difface_cli import images
from difface_cli.base import atomic
from difface_cli.base.errors import ImageError, OutputError, UsageError
from difface_cli.base.progress import Progress
from difface_cli.degradations import sets as degrading
from difface_cli.degradations.sets import Plan, Treatment, folders, manifest
from difface_cli.degradations.sets.manifest import Entry
from difface_cli.records.record import Record
from difface_cli.runs import jobs as outputs
from difface_cli.runs.jobs import Job
from difface_cli.runs.work import read

Each = Callable[[list[Job], Callable[[Job, Progress], Record]], int]
PLACES = {"picture": "pictures", "mask": "masks", "holed": "holed"}


@dataclass(frozen=True)
class Task:
    """One picture to degrade.

    Attributes:
        source: its path.
        file: its name within its folder.
        outputs: "picture", "mask", "holed" → names within the folder of results.
        decide: hash of its bytes → what is done to it.
    """

    source: Path
    file: str
    outputs: Mapping[str, str]
    decide: Callable[[str], Treatment]


def plan(
    folder: Path, out: Path, wishes: Plan, written: Path | None, *, overwrite: bool
) -> list[Task]:
    """Decide what is done to the pictures of a folder, and where the results go.

    Args:
        written: a manifest that says it in place of `wishes`.

    Raises:
        UsageError: for a folder or manifest without pictures, or one that cannot be read.
        OutputError: for results that would touch an input or a file that is there already.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Give the folder of the good pictures.")
    entries = manifest.load(written) if written else {}
    files = list(entries) if written else folders.pictures(folder)
    if not files:
        raise UsageError(f"There are no pictures in {written or folder}.", "Check its path.")
    if outputs.real(out).is_relative_to(outputs.real(folder)):
        raise OutputError(
            f"{out} lies within {folder}, the folder of the good pictures.",
            "Choose a folder outside it.",
        )
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is no folder.", "Choose another OUT.")
    tasks = []
    for file, name in folders.targets(files).items():
        entry = entries.get(file)
        holes = (entry.treatment.mask if entry else wishes.mask) is not None
        names = {kind: f"{place}/{name}" for kind, place in PLACES.items()}
        decide = partial(_again, entry) if entry else partial(degrading.treatment, wishes, file)
        tasks.append(Task(folder / file, file, names if holes else {"picture": name}, decide))
    _refuse(tasks, out, overwrite)
    return tasks


def run(tasks: list[Task], out: Path, each: Each) -> tuple[int, int]:
    """Degrade all pictures.

    The manifest tells of the pictures that were written, even when the run is stopped halfway.

    Args:
        each: does all jobs by the function it is given, and returns the exit code.

    Returns:
        The exit code, and how many pictures were written.
    """
    done: list[Entry] = []
    by_source = {str(task.source): task for task in tasks}

    def work(job: Job, progress: Progress) -> Record:
        done.append(_degrade(by_source[job.source], out, progress))
        return {}

    jobs = [Job(name, out / task.outputs["picture"]) for name, task in by_source.items()]
    try:
        code = each(jobs, work)
    finally:
        if done:
            atomic.write(out / manifest.NAME, manifest.dump(done))
    return code, len(done)


def _degrade(task: Task, out: Path, progress: Progress) -> Entry:
    progress.stage("reading")
    source = read(str(task.source))
    treatment = task.decide(source.sha256)
    paths = {kind: out / name for kind, name in task.outputs.items()}
    with ExitStack() as made:
        for path in paths.values():
            made.enter_context(outputs.folder(path.parent))
        progress.stage("degrading")
        pictures = degrading.apply(source.photo, treatment)
        with outputs.all_or_none(list(paths.values())):
            for kind, path in paths.items():
                images.write(pictures[kind], path)
    return Entry(task.file, source.sha256, treatment, task.outputs)


def _again(entry: Entry, sha256: str) -> Treatment:
    if sha256 != entry.sha256:
        raise ImageError(
            f"{entry.file} is not the picture that the manifest tells of: its content differs.",
            "Give the folder that the manifest was made from.",
        )
    return entry.treatment


def _refuse(tasks: Iterable[Task], out: Path, overwrite: bool) -> None:
    sources = {outputs.real(task.source): task.source for task in tasks}
    names = [name for task in tasks for name in task.outputs.values()]
    for path in (out / name for name in [*names, manifest.NAME]):
        if outputs.real(path) in sources:
            raise OutputError(
                f"The output {path} is the input {sources[outputs.real(path)]} itself, which is "
                "never changed.",
                "Choose another folder.",
            )
        if not overwrite and (path.exists() or path.is_symlink()):
            raise OutputError(
                f"{path} exists already.", "Add --overwrite to replace it, or choose another OUT."
            )
