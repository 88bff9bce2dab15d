"""A photo swept into a folder: cells drawn where they are missing, pictures, plot, record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from difface_cli import images, models, report, sweep
from difface_cli.base import atomic
from difface_cli.base.errors import FaceError, UsageError
from difface_cli.base.progress import Progress
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.difface import Estimator
from difface_cli.models import Ready
from difface_cli.report import exhibits
from difface_cli.report.grids import pixels
from difface_cli.runs import jobs as outputs
from difface_cli.runs import work
from difface_cli.runs.work import Source
from difface_cli.sweep import Cell, Plan
from difface_cli.sweep import pictures as sweep_pictures
from difface_cli.sweep import record as sweep_record
from difface_cli.sweep.folder import SweepFolder, write_picture
from difface_cli.sweep.pictures import Layout, Swept, Variation
from difface_cli.tasks import Engine, Found, Restore
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import rank_of
from difface_cli.tasks.task import loses_colour
from difface_cli.weights.registry import Model, Registry
from difface_cli.weights.store import fingerprint

Array = npt.NDArray[np.float32]
Record = dict[str, Any]

REPORT = "report.html"


@dataclass(frozen=True)
class Session:
    """What holds for the whole sweep.

    Attributes:
        options: how the photo is treated; of its settings only sampler and guidance count.
        estimators: name of the weights → the model with that estimator in it.
        reference: the photo in good quality, where there is one.
        report: whether a page to look at is written as well.
    """

    registry: Registry
    model: Model
    device: torch.device
    dtype: torch.dtype
    plan: Plan
    where: Layout
    options: Options
    estimators: Mapping[str, Model]
    detect_size: int = 1280
    reference: str | None = None
    report: bool = False

    def load(self) -> tuple[Ready, dict[str, Estimator], dict[str, str]]:
        """The model, every estimator, and the hashes of all weights, each by name."""
        ready = models.load(
            self.registry,
            self.model,
            self.device,
            self.dtype,
            detector=not (self.options.aligned or self.options.by_hand),
            detect_size=self.detect_size,
        )
        others = {name: m for name, m in self.estimators.items() if m.parts != self.model.parts}
        estimators = dict.fromkeys(self.estimators, ready.estimator) | {
            name: models.load_estimator(self.registry, model, self.device, self.dtype)
            for name, model in others.items()
        }
        hashes = {name: fingerprint(self.registry.weights[name]) for name in others}
        return ready, estimators, dict(ready.hashes) | hashes


def run(
    photo: str, folder: Path, session: Session, progress: Progress, *, overwrite: bool
) -> tuple[Record, int]:
    """Sweep one photo into a folder.

    Returns:
        The sweep's record, and how many cells were there from before.

    Raises:
        UsageError: for a photo from stdin.
        OutputError: for a folder that holds other things.
        FaceError: when there is no face to sweep.
    """
    if photo == outputs.STREAM:  # whoever applies a cell later needs the photo again
        raise UsageError("A sweep takes a photo from a file, not from stdin.", "Save it first.")
    progress.photo(Path(photo).name, 0, 1)
    source = work.read(photo)
    reference = images.read(Path(session.reference)) if session.reference else None
    progress.stage("loading the model")
    with outputs.folder(folder):
        doing = _Work(session, source, reference, folder, progress)
        doing.folder.begin(overwrite=overwrite)
        record = doing.record(photo)
        doing.folder.write_record(record | {"status": "unfinished", "faces": []})
        faces = [doing.face(found) for found in doing.chosen]
        record |= {"status": "finished", "faces": faces}
        atomic.write(folder / "cells.csv", sweep_record.table(faces))
        record = doing.folder.write_record(record)
        if session.report:
            progress.stage("writing the report")
            page = exhibits.sweep(source.photo, doing.found, record, folder)
            atomic.write(folder / REPORT, report.render(page).encode())
    return record, doing.reused


class _Work:
    """One photo's sweep on its way."""

    def __init__(
        self,
        session: Session,
        source: Source,
        reference: Photo | None,
        folder: Path,
        progress: Progress,
    ) -> None:
        self.session, self.source, self.progress = session, source, progress
        self.ready, self.estimators, self.hashes = session.load()
        engine = Engine(self.ready, Restore(), session.options)
        scene = engine.task.scene(source.photo, "", source.sha256)
        prepared = engine.prepare(scene, progress)
        self.found, self.cuts = prepared.found, prepared.cuts
        self.chosen = [found for found in self.found if not found.skipped]
        self._refuse_none()
        size = self.ready.model.image_size
        self.references = {
            index: sweep.reference_crop(reference, source.photo, cut)
            for index, cut in self.cuts.items()
            if reference is not None
        }
        self.weight = sweep.shows(size, session.options.aligned)
        estimators = {name: self.hashes[name] for name in session.estimators}
        self.folder = SweepFolder(folder, self._identity(), estimators)
        self.reused = 0

    def record(self, photo: str) -> Record:
        """What holds for all faces."""
        session, size = self.session, self.source.photo
        return {
            "photo": {
                "path": photo,
                "from_folder": os.path.relpath(photo, self.folder.path),
                "sha256": self.source.sha256,
                "size": [size.width, size.height],
            },
            "reference": session.reference,
            "gray": loses_colour(size, session.options),
            **sweep_record.head(
                session.plan, session.where, self.ready, session.options, self.hashes
            ),
        }

    def face(self, found: Found) -> Record:
        """Finish the cells of one face, draw its pictures, and give its record."""
        cut = self.cuts[found.index]
        self.progress.stage("estimating")
        estimates = {
            name: sweep.estimate(cut, estimator, self.ready.device)
            for name, estimator in self.estimators.items()
        }
        swept = self._run(found, cut.face, estimates)
        self.progress.stage("drawing")
        varied = sweep_pictures.variations(swept, self.folder.path / "variation", self.weight)
        files = self._pictures(swept, varied)
        made = sweep_record.face(found, swept, varied, self.ready.model, files, self.folder.path)
        return {"rank": rank_of(self.found, found.index), **made}

    def _noise(self, found: Found, seed: int) -> int:
        """The seed of a face's noise, as the engine has it."""
        return difface.noise_seed(seed, self.source.sha256, rank_of(self.found, found.index))

    def _run(self, found: Found, crop: Array, estimates: Mapping[str, Array]) -> Swept:
        session, index = self.session, found.index
        reference = self.references.get(index)
        gray = loses_colour(self.source.photo, session.options)
        swept = Swept(index, crop, estimates, reference, (), {}, gray)
        cells = session.plan.cells
        stored = {cell: self.folder.finished(index, cell) for cell in cells}
        missing = [cell for cell in cells if stored[cell] is None]
        self.reused += len(cells) - len(missing)
        self.progress.stage("denoising")
        for done in sweep.run(
            partial(self._noise, found),
            estimates,
            missing,
            self.ready,
            method=session.options.settings,
            batch=session.options.batch,
            progress=self.progress,
        ):
            stored[done.cell] = self.folder.put(index, done, swept.shown(done.face))
        finished = tuple(cell for cell in stored.values() if cell is not None)
        metrics: dict[Cell | str, Mapping[str, float]] = {
            cell.cell: self._measure(swept, cell.face()) for cell in finished
        }
        named = {"input": crop, **{f"estimate {name}": e for name, e in estimates.items()}}
        if reference is not None:
            named["reference"] = reference
        metrics |= {name: self._measure(swept, face) for name, face in named.items()}
        return Swept(index, crop, estimates, reference, finished, metrics, gray)

    def _measure(self, swept: Swept, face: Array) -> Mapping[str, float]:
        reference = None if swept.reference is None else swept.shown(swept.reference)
        return sweep.measure(swept.shown(face), swept.shown(swept.original), reference, self.weight)

    def _pictures(self, swept: Swept, varied: list[Variation]) -> dict[str, Any]:
        """Draw and write all pictures of a face; role → file name."""
        session, model, root = self.session, self.ready.model, self.folder.path
        plan, where = session.plan, session.where
        drawn = {
            "input": pixels(swept.shown(swept.original)),
            "grid": sweep_pictures.grid(swept, plan, where, model),
        }
        if varied:
            drawn["variation_picture"] = sweep_pictures.variation_grid(
                swept, plan, where, varied, model
            )
        if swept.reference is not None:
            drawn["reference"] = pixels(swept.shown(swept.reference))
        files: dict[str, Any] = {}
        for role, picture in drawn.items():
            files[role] = f"face{swept.index}_{role.removesuffix('_picture')}.png"
            write_picture(root / files[role], picture)
        files["estimates"] = {
            name: f"face{swept.index}_estimate_{name}.png" for name in swept.estimates
        }
        for name, file in files["estimates"].items():
            write_picture(root / file, pixels(swept.shown(swept.estimates[name])))
        files["estimate"] = next(iter(files["estimates"].values()))
        files["plot"] = f"face{swept.index}_plot.png"
        atomic.write(root / files["plot"], sweep_pictures.plot(swept, plan, model))
        return files

    def _identity(self) -> dict[str, Any]:
        """All that bears on every cell; a sweep goes on only where it is the same."""
        ready, options = self.ready, self.session.options
        parts = {part: name for part, name in ready.model.parts.items() if part != "estimator"}
        return {
            "photo": self.source.sha256,
            "model": {
                "name": ready.model.name,
                "weights": {part: self.hashes.get(name) for part, name in parts.items()},
            },
            "sampler": options.settings.sampler,
            "guidance": options.settings.guidance,
            "aligned": options.aligned,
            "detect size": self.session.detect_size,
            "device": str(ready.device),
            "precision": str(ready.dtype),
            "batch": options.batch,
        }

    def _refuse_none(self) -> None:
        if self.chosen:
            return
        if self.found:
            reasons = {found.skipped for found in self.found if found.skipped != "not chosen"}
            raise FaceError(
                f"The face chosen is {', '.join(sorted(reasons))}.", "Lower --min-face."
            )
        raise FaceError(
            "No face was found in the photo.",
            "If it is one aligned face, add --aligned; or try another --detector.",
        )
