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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from difface_cli import images, models
from difface_cli.images import Photo
from difface_cli.method.difface import Refinement
from difface_cli.records.record import Record
from difface_cli.runs import work
from difface_cli.runs.jobs import Job, refuse_existing
from difface_cli.runs.session import Session
from difface_cli.runs.work import Source
from difface_cli.tasks import Colorize, Engine, Found, Inpaint, Restore, Task, holes, options
from difface_cli.tasks import Result as Drawn
from difface_cli.tasks.colorize import GAMMAS
from difface_cli.trust import gate
from difface_cli.weights import registry
from difface_cli.weights.registry import Model, Registry

Picture = str | Path | bytes | Image.Image | npt.NDArray[Any]
"""A file's path or its bytes, a picture of Pillow's, or h×w×3 or h×w pixels of 8 or 16 bits."""
UNNAMED = "picture"


@dataclass(frozen=True)
class Result:
    """What came of a photo.

    Attributes:
        faces: all that were found: box, why one was left alone, how far one can be trusted.
    """

    _session: Session
    _source: Source
    _drawn: Drawn
    _name: str
    _seconds: float
    faces: tuple[Found, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "faces", self._drawn.faces)

    @property
    def image(self) -> Image.Image:
        """The finished photo, the first where several samples were asked for."""
        return self.images[0]

    @cached_property
    def images(self) -> tuple[Image.Image, ...]:
        """The finished photo, one a sample."""
        made = (images.encode(photo, "PNG") for photo in self._drawn.photos)
        return tuple(Image.open(io.BytesIO(data)) for data in made)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The finished photo's pixels, one a sample: h×w×3 or h×w×1, in the photo's own depth."""
        return tuple(photo.pixels for photo in self._drawn.photos)

    def save(self, path: str | Path, *, overwrite: bool = False, report: bool = False) -> Record:
        """Write the photo, or all samples of it, and the record beside it.

        Args:
            path: of the (first) result; its suffix gives the format.
            report: whether a page to look at is written as well.

        Returns:
            The record.

        Raises:
            OutputError: for files that are there already, or cannot be written.
        """
        session = self._session
        job = Job(
            self._name, Path(path), samples=session.options.results, report=report,
            contact=session.task.sheet,
        )  # fmt: skip
        if not overwrite:
            refuse_existing(job)
        with work.folder(job):
            return work.finished(session, job, self._source, self._drawn, self._seconds)


class Restorer:
    """A model, ready for photos; made by `load`.

    Networks are loaded at the first photo, and kept for the next ones.
    """

    def __init__(
        self, known: Registry, name: str, device: str = "auto", precision: str = "auto"
    ) -> None:
        self._known, self._name = known, name
        self._device = models.resolve_device(device)
        self._dtype = models.resolve_precision(precision, self._device)
        self._sessions: dict[tuple[str, bool], Session] = {}

    def restore(self, photo: Picture, *, n: int | str | None = None, **wishes: Any) -> Result:
        """Restore the faces of a photo, as `difface restore` does.

        Args:
            n: starting timestep N, or "auto" for each face by how degraded it is; None for the
                model's own way.
            wishes: further options of the command: steps, eta, sampler, fast, and the fields of
                `tasks.options.Options`, such as seed, samples, faces, upscale, gate, trust.

        Raises:
            DifFaceError: for what the command would refuse.
        """
        return next(self.restore_all([photo], n=n, **wishes))

    def restore_all(
        self, photos: Iterable[Picture], *, n: int | str | None = None, **wishes: Any
    ) -> Iterator[Result]:
        """Restore one photo after the other; arguments as in `restore`."""
        model = self._model(Restore.name)
        auto = n == "auto" or (n is None and model.auto_n)
        chosen = _options(model, None if isinstance(n, str) else n, wishes, gate=gate.ON)
        yield from self._done(photos, Restore(), chosen | {"auto_n": auto})

    def inpaint(
        self,
        photo: Picture,
        mask: Picture | None = None,
        *,
        gamma: float = 0.5,
        refine: str = "closed-form",
        keep_known: bool = True,
        fill_rest: bool = True,
        **wishes: Any,
    ) -> Result:
        """Fill the holes of a photo, as `difface inpaint` does.

        Args:
            mask: white where holes are, of the photo's size; or a word that --mask takes; None
                for pixels that are zero.
            wishes: as in `restore`.
        """
        mask = str(mask) if isinstance(mask, Path) else mask
        wish = holes.Wish(mask if isinstance(mask, str) else None)
        task = Inpaint(wish, Refinement(gamma, refine), keep_known, fill_rest)
        chosen = _options(self._model(Inpaint.name), None, wishes)
        given = None if mask is None or isinstance(mask, str) else _source(mask, "mask").photo
        return next(self._done([photo], task, chosen, given))

    def colorize(
        self,
        photo: Picture,
        *,
        gamma: float | None = None,
        refine: str = "closed-form",
        desaturate: bool = False,
        **wishes: Any,
    ) -> Result:
        """Colour the faces of a grey photo, as `difface colorize` does; arguments likewise."""
        held = Refinement(GAMMAS[refine] if gamma is None else gamma, refine)
        chosen = _options(self._model(Colorize.name), None, {"gray": "off", **wishes})
        return next(self._done([photo], Colorize(held, desaturate), chosen))

    def _model(self, task: str) -> Model:
        """The model of this name for the task: itself, or the one that is called after both."""
        name = self._name if task == Restore.name else f"{self._name}-{task}"
        own = self._known.models.get(self._name)
        return self._known.model(self._name if own and own.task == task else name, task)

    def _done(
        self,
        photos: Iterable[Picture],
        task: Task,
        chosen: Mapping[str, Any],
        mask: Photo | None = None,
    ) -> Iterator[Result]:
        wishes = options.Options(**chosen)
        model = self._model(task.name)
        options.check(wishes, model.name, models.max_n(self._known, model))
        session = Session(self._known, model, self._device, self._dtype, task, wishes)
        # Loading is what takes long: the networks are shared by all that ask for the same.
        first = self._sessions.setdefault((task.name, wishes.aligned), session)
        session.__dict__["ready"] = first.ready
        engine = Engine(session.ready, task, wishes)
        for picture in photos:
            start = time.perf_counter()
            name = str(picture) if isinstance(picture, str | Path) else UNNAMED
            source = _source(picture, name)
            if mask is not None and isinstance(task, Inpaint):
                found = holes.shown_by(mask, source.photo, name, task.wish)
                scene = task.with_holes(source.photo, found, source.sha256)
            else:
                scene = task.scene(source.photo, name, source.sha256)
            drawn = engine.run(scene)
            yield Result(session, source, drawn, name, time.perf_counter() - start)


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
    if model not in known.models:
        known.model(model, Restore.name)  # raises, and names those there are
    return Restorer(known, model, device, precision)


def _options(
    model: Model, n: int | None, wishes: Mapping[str, Any], **defaults: Any
) -> dict[str, Any]:
    """The fields of `Options`, with the method's settings made of those the user names."""
    method = {key: wishes.get(key) for key in ("steps", "eta", "sampler")}
    n = wishes.get("n", n)
    settings = options.settings(model, n, **method, fast=wishes.get("fast", False))
    rest = {key: v for key, v in wishes.items() if key not in (*method, "fast", "n")}
    return {**defaults, **rest, "settings": settings}


def _source(picture: Picture, name: str) -> Source:
    """A picture in any form, with the hash that its faces' noise follows from."""
    if isinstance(picture, str | Path):
        return work.read(str(picture))
    if isinstance(picture, np.ndarray):
        pixels = picture if picture.ndim == 3 else picture[..., None]
        photo = Photo(np.ascontiguousarray(pixels))
        data = images.encode(photo, "PNG")
    elif isinstance(picture, bytes):
        data, photo = picture, images.read_bytes(picture, name)
    else:
        buffer = io.BytesIO()
        known = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
        (picture if known else picture.convert("RGB")).save(
            buffer, "PNG", icc_profile=picture.info.get("icc_profile")
        )
        data = buffer.getvalue()
        photo = images.read_bytes(data, name)
    return Source(photo, hashlib.sha256(data).hexdigest(), lambda: data)
