"""The Python API: a model, photos in any form, results to look at and to save.

    import difface_cli as difface

    model = difface.load("starter")
    result = model.restore("photo.jpg", n="auto")
    result.image.show()
    result.save("restored/photo.jpg")

Defaults are the command line's, and so are the results.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from difface_cli import images, models
from difface_cli.base.errors import DeviceError, ImageError, UsageError
from difface_cli.images import Photo
from difface_cli.method.difface import Refinement
from difface_cli.records.record import Record
from difface_cli.runs import jobs, work
from difface_cli.runs.session import Session
from difface_cli.runs.work import Source
from difface_cli.tasks import Colorize, Engine, Found, Inpaint, Restore, Task, holes, options
from difface_cli.tasks import Result as Drawn
from difface_cli.tasks.colorize import GAMMAS
from difface_cli.trust import gate
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry

Picture = str | Path | bytes | Image.Image | npt.NDArray[Any]
"""A file's path or its bytes, a picture of Pillow's, or pixels: h×w or h×w×3, 8 or 16 bits."""
UNNAMED = "picture"
PRECISIONS = ("auto", *models.PRECISIONS)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What came of a photo."""

    _session: Session
    _source: Source
    _drawn: Drawn
    _name: str
    _seconds: float

    @property
    def faces(self) -> tuple[Found, ...]:
        """All that were found: box, why one was left alone, how far one can be trusted."""
        return self._drawn.faces

    @property
    def image(self) -> Image.Image:
        """The finished photo, the first where several samples were asked for."""
        return self.images[0]

    @cached_property
    def images(self) -> tuple[Image.Image, ...]:
        """The finished photo, one a sample. Pillow holds 16 bits of grey photos only."""
        made = (images.encode(photo, "PNG") for photo in self._drawn.photos)
        return tuple(Image.open(io.BytesIO(data)) for data in made)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The finished photo's pixels, one a sample: h×w×3 or h×w×1, in the photo's own depth."""
        return tuple(photo.pixels for photo in self._drawn.photos)

    def save(self, path: str | Path, *, overwrite: bool = False, report: bool = False) -> Record:
        """Write the photo, or all samples of it, and the record beside it.

        Args:
            path: what the command's -o takes: the file of the (first) result, whose suffix gives
                the format, or a folder.
            report: whether a page to look at is written as well.

        Returns:
            The record.

        Raises:
            OutputError: for the input itself, files that are there already, or what cannot be
                written.
        """
        session, task = self._session, self._session.task
        mask = task.reads(self._name)
        like = jobs.Job("", None, session.options.results, report=report, contact=task.sheet)
        (job,) = jobs.plan(
            [self._name], Path(path), like, overwrite=overwrite, masks=[mask] if mask else []
        )
        with work.folder(job):
            return work.finished(session, job, self._source, self._drawn, self._seconds)


class Restorer:
    """A model, ready for photos; made by `load`.

    Networks are loaded at the first photo, and kept for the next ones.
    """

    def __init__(
        self, known: Registry, name: str, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._known, self._name, self._device, self._dtype = known, name, device, dtype
        self._sessions: dict[tuple[object, ...], Session] = {}

    def restore(self, photo: Picture, *, n: int | str | None = None, **wishes: Any) -> Result:
        """Restore the faces of a photo, as `difface restore` does.

        Args:
            n: starting timestep N, or "auto" for each face by how degraded it is; None for the
                model's own way.
            wishes: further options of the command: steps, eta, sampler, guidance, fast, and the
                fields of `tasks.options.Options`, such as seed, samples, faces, upscale, gate.

        Raises:
            DifFaceError: for what the command would refuse.
        """
        return next(self.restore_all([photo], n=n, **wishes))

    def restore_all(
        self, photos: Iterable[Picture], *, n: int | str | None = None, **wishes: Any
    ) -> Iterator[Result]:
        """Restore one photo after the other; arguments as in `restore`.

        An exception is that of its photo alone: `next` goes on with the one behind.
        """
        return map(self._doing(Restore(), n, {"gate": gate.ON, **wishes}), photos)

    def inpaint(
        self,
        photo: Picture,
        mask: Picture | None = None,
        *,
        threshold: float = 0.5,
        invert: bool = False,
        grow: int = 0,
        gamma: float = 0.5,
        refine: str = "closed-form",
        keep_known: bool = True,
        fill_rest: bool = True,
        n: int | None = None,
        **wishes: Any,
    ) -> Result:
        """Fill the holes of a photo, as `difface inpaint` does.

        Args:
            mask: white where holes are, of the photo's size, or an array of bool; or a word that
                --mask takes; None for pixels that are zero.
            threshold, invert, grow: of the mask, see `holes.Wish`.
            wishes: as in `restore`.
        """
        named = str(mask) if isinstance(mask, str | Path) else None
        given = None if mask is None or named else _source(mask, "mask").photo
        wish = holes.Wish(named, threshold, invert, grow)
        task = Inpaint(wish, _refinement(gamma, refine), keep_known, fill_rest)
        return self._doing(task, n, wishes, given)(photo)

    def colorize(
        self,
        photo: Picture,
        *,
        gamma: float | None = None,
        refine: str = "closed-form",
        desaturate: bool = False,
        n: int | None = None,
        **wishes: Any,
    ) -> Result:
        """Colour the faces of a grey photo, as `difface colorize` does; arguments likewise."""
        task = Colorize(_refinement(gamma, refine), desaturate)
        return self._doing(task, n, wishes)(photo)

    def _model(self, task: str) -> Model:
        """The model of this name for the task: itself, or the one that is called after both."""
        name = self._name if task == Restore.name else f"{self._name}-{task}"
        own = self._known.models[self._name]
        return self._known.model(self._name if own.task == task else name, task)

    def _doing(
        self, task: Task, n: int | str | None, wishes: Mapping[str, Any], mask: Photo | None = None
    ) -> Callable[[Picture], Result]:
        """What does the task with a photo; all that is wrong with the wishes is told before.

        Args:
            mask: white where the holes are, in place of those that the task would look for.
        """
        model = self._model(task.name)
        chosen = _options(task, model, n, wishes)
        options.check(chosen, model.name, models.max_n(self._known, model))
        session = Session(self._known, model, self._device, self._dtype, task, chosen)
        # Loading is what takes long: the networks are shared by all that need the same ones.
        found, judged = chosen.aligned or chosen.by_hand, (chosen.choose, chosen.trust > 1)
        first = self._sessions.setdefault((task.name, bool(found), *judged), session)

        def do(picture: Picture) -> Result:
            start = time.perf_counter()
            name = str(picture) if isinstance(picture, str | Path) else UNNAMED
            source = _source(picture, name)
            if mask is not None and isinstance(task, Inpaint):
                holed = holes.shown_by(mask, source.photo, name, task.wish)
                scene = task.with_holes(source.photo, holed, source.sha256)
            else:
                scene = task.scene(source.photo, name, source.sha256)
            vars(session)["ready"] = first.ready
            drawn = Engine(session.ready, task, chosen).run(scene)
            return Result(session, source, drawn, name, time.perf_counter() - start)

        return do


def load(
    model: str = "starter",
    *,
    device: str = "auto",
    precision: str = "auto",
    models_toml: str | Path | None = None,
) -> Restorer:
    """A model by its name in models.toml.

    Args:
        model: "starter", or one that was fetched; its way of filling holes and of colouring is
            the model called after it, such as "starter-inpaint".
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "fp32", "tf32", "bf16" or "fp16".
        models_toml: your own, added to the built-in one.

    Raises:
        RegistryError: for a model that is not known.
        DeviceError: for a device or precision that this machine does not have.
    """
    known = registry.load(Path(models_toml) if models_toml else None)
    for name, known_names in ((device, models.DEVICES), (precision, PRECISIONS)):
        if name not in known_names:
            raise DeviceError(f"There is no {name!r}.", f"Choose one of {', '.join(known_names)}.")
    place = models.resolve_device(device)
    if model not in known.models:
        known.model(model, Restore.name)  # raises, and names those there are
    return Restorer(known, model, place, models.resolve_precision(precision, place))


def _options(
    task: Task, model: Model, n: int | str | None, wishes: Mapping[str, Any]
) -> options.Options:
    """The options of the command, its defaults where nothing is wished.

    Raises:
        UsageError: for an option that the task's command does not have.
    """
    if unused := [key for key in task.unused if key in wishes]:
        raise UsageError(f"difface {task.name} has no {unused[0]}.", "Leave it out.")
    follows = "auto_n" not in task.unused
    auto = follows and (n == "auto" or (n is None and model.auto_n))
    if isinstance(n, str) and not auto:
        raise UsageError(
            f"n is a timestep{' or auto' if follows else ''}, not {n!r}.",
            "Leave it out for the model's own.",
        )
    method = {key: wishes.get(key) for key in ("steps", "eta", "sampler", "guidance")}
    settings = options.settings(
        model, None if isinstance(n, str) else n, **method, fast=wishes.get("fast", False)
    )
    rest = {key: v for key, v in wishes.items() if key not in (*method, "fast")}
    defaults = {"gray": "off"} if "gray" in task.unused else {}
    return options.Options(**{**defaults, **rest}, settings=settings, auto_n=auto)


def _refinement(gamma: float | None, how: str) -> Refinement:
    if how not in GAMMAS:
        raise UsageError(f"refine is {' or '.join(GAMMAS)}, not {how!r}.", "Leave it out.")
    return Refinement(GAMMAS[how] if gamma is None else gamma, how)


def _source(picture: Picture, name: str) -> Source:
    """A picture in any form, with the hash that its faces' noise follows from."""
    if isinstance(picture, str | Path):
        return work.read(str(picture))
    data = picture if isinstance(picture, bytes) else _png(picture)
    photo = images.read_bytes(data, name)
    return Source(photo, hashlib.sha256(data).hexdigest(), lambda: data)


def _png(picture: Image.Image | npt.NDArray[Any]) -> bytes:
    """A PNG file of the picture, in its own depth.

    Raises:
        ImageError: for an array that is no picture.
    """
    if isinstance(picture, Image.Image) and picture.mode not in ("I", "F"):
        kept = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
        icc = picture.info.get("icc_profile") if kept else None  # or it is of other colours
        buffer = io.BytesIO()
        (picture if kept else picture.convert("RGB")).save(
            buffer, "PNG", icc_profile=icc, exif=picture.getexif()
        )
        return buffer.getvalue()
    pixels = np.asarray(picture)
    if pixels.dtype == bool:  # a mask
        pixels = pixels * np.uint8(255)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    colour, alpha = pixels, None
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        colour, alpha = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3]
    try:
        return images.encode(Photo(np.ascontiguousarray(colour), alpha), "PNG")
    except ValueError as error:
        raise ImageError(
            f"This array is no picture: {error}.",
            "Give uint8 or uint16 over its full range, h×w, h×w×3, or h×w×4 with opacity.",
        ) from None
