"""What the engine asks of a task; restoring is the plain case, and others say what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from difface_cli import images
from difface_cli.base.tensors import to_batch
from difface_cli.faces import align, paste
from difface_cli.faces.finish import Finish
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.denoiser import BatchDenoiser
from difface_cli.models import Parser, Ready
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Array, Cut, Found, Matrix, Result, Scene

NOTICE = (
    "Detail in restored faces is synthesised by a model. It may differ from the person's true "
    "appearance and is no evidence of identity."
)


@dataclass(frozen=True, eq=False)
class Placed:
    """A drawn face, s×s×3 in [0, 1], on its way into the photo."""

    found: Found
    cut: Cut
    face: Array


@dataclass(frozen=True, eq=False)
class Pasting:
    """What all faces of a photo are pasted with.

    Attributes:
        gray: whether they lose their colour.
        parser: outlines each face, where there is one.
    """

    options: Options
    gray: bool
    parser: Parser | None = None


class Task:
    """One thing to do with the faces of a photo.

    Attributes:
        name: as commands, records and models.toml call it.
        done: what happened to a face that was not left alone.
        doing: what is happening to it.
        before: what a face was like, in a word or two.
        notice: what people must know of a result.
        any_shape: whether an aligned picture may have another shape than a square.
        own_starts: whether each sample starts its chain from something else.
        gauged: whether each face is measured and gated; else only where the user asks for it.
        enlarges: whether the photo may be enlarged, as an aligned one is to the face's size.
        sheet: whether several samples come with a contact sheet.
        unused: options that play no part.
    """

    name: ClassVar[str]
    done: ClassVar[str]
    doing: ClassVar[str]
    before: ClassVar[str] = "as found"
    notice: ClassVar[str] = NOTICE
    any_shape: ClassVar[bool] = False
    own_starts: ClassVar[bool] = False
    gauged: ClassVar[bool] = False
    enlarges: ClassVar[bool] = False
    sheet: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ()

    def scene(self, photo: Photo, name: str, sha256: str, place: str = "") -> Scene:
        """The photo as this task sees it.

        Args:
            name: the photo's path as the user gave it, "-" for stdin.
            sha256: of its file.
            place: its path within a run over folders, with "/"; empty outside one.

        Raises:
            ImageError: for a photo that the task is not for.
        """
        return Scene(photo, photo, sha256)

    def reads(self, name: str, place: str = "") -> Path | None:
        """The file that is read beside a photo, where there is one; arguments as in `scene`."""
        return None

    def warning(self, scene: Scene) -> tuple[str, str]:
        """What the user should know before the work begins, and the next step; empty for none."""
        return "", ""

    def cut(self, scene: Scene, matrix: Matrix, size: int) -> Cut:
        """A face of size×size×3, cut out by the matrix from photo to face."""
        return Cut(align.crop(scene.view.pixels, matrix, size), matrix)

    def needless(self, cut: Cut) -> str:
        """Why there is nothing to do for a face; empty where there is."""
        return ""

    def start(self, cuts: Sequence[Cut], seeds: Sequence[int], ready: Ready) -> Tensor:
        """f(y): what is diffused to step N, b×3×s×s in [0, 1], on the model's device."""
        return difface.estimate(faces_of(cuts).to(ready.device), ready.estimator)

    def held(
        self, denoise: BatchDenoiser, cuts: Sequence[Cut], device: torch.device
    ) -> BatchDenoiser:
        """The prior, held to what is known of these faces."""
        return denoise

    def drawn(self, face: Array, cut: Cut) -> Array:
        """A face as the chain left it, with what must not have changed put back."""
        return face

    def reference(self, cut: Cut, estimate: Array) -> Array:
        """What a drawn face is measured against, s×s×3 in [0, 1]."""
        return cut.face

    def canvas(self, scene: Scene) -> Photo:
        """What faces are pasted into."""
        return scene.view

    def put_back(
        self, scene: Scene, canvas: Photo, faces: Sequence[Placed], pasting: Pasting
    ) -> Photo:
        """A copy of the canvas with drawn faces in it; without faces the canvas itself.

        Args:
            canvas: what `canvas` gave, perhaps enlarged.
        """
        if not faces:
            return canvas
        factor = canvas.width / scene.view.width
        pixels = in_colour(canvas, pasting)
        layers = [
            paste.Layer(
                placed.face,
                align.scale_matrix(placed.cut.matrix, factor),
                mask=_mask(placed.face, pasting),
                strength=pasting.options.strength,
                gray=pasting.gray,
                finish=_finish(placed.found, pasting.options),
            )
            for placed in faces
        ]
        paste.paste_all(pixels, layers)
        return images.with_pixels(canvas, pixels)

    def status(self, result: Result) -> str:
        """What became of the photo, in a word or two."""
        return self.done if result.crops else "no face"

    def told(self, record: Mapping[str, Any]) -> str:
        """What became of a photo, for one line, told by its record."""
        faces = record["faces"]
        restored = sum(face["restored"] for face in faces)
        if not faces:
            return "no face found, the photo is only copied"
        if not restored:
            return f"none of {len(faces)} faces {self.done}, the photo is only copied"
        return f"{restored} of {len(faces)} faces {self.done}"

    def remarks(self, record: Mapping[str, Any]) -> Iterator[str]:
        """What else the user may not expect, a line each."""
        yield from ()

    def settings(self) -> dict[str, Any]:
        """The task's own choices that bear on the result, JSON-ready."""
        return {}

    def notes(self, result: Result, options: Options) -> Mapping[str, Any]:
        """What the record tells beyond the common part, JSON-ready."""
        return {"gray": result.gray}


def faces_of(cuts: Sequence[Cut]) -> Tensor:
    """The faces as a batch, b×3×s×s."""
    return to_batch([cut.face for cut in cuts])


def masks_of(cuts: Sequence[Cut]) -> Tensor:
    """The faces' holes as a batch, b×1×s×s."""
    masks = (np.zeros_like(cut.face[..., 0]) if cut.mask is None else cut.mask for cut in cuts)
    return to_batch([mask[..., None] for mask in masks])


def loses_colour(photo: Photo, options: Options) -> bool:
    """Whether drawn faces are made grey: when told to, or because the photo is."""
    return options.gray == "on" or (options.gray == "auto" and images.is_gray(photo))


def in_colour(canvas: Photo, pasting: Pasting) -> Array:
    """A copy of the canvas's pixels, in three channels where faces keep their colour."""
    if canvas.is_gray_file and not pasting.gray:
        return np.repeat(canvas.pixels, 3, axis=2)
    return canvas.pixels.copy()


def _finish(found: Found, options: Options) -> Finish:
    """What is done to a face at the photo's resolution; its grain follows from its noise's seed."""
    seed = next(iter(found.seeds), options.seed)
    return Finish(options.keep_detail, abs(seed) if options.grain else None)


def _mask(face: Array, pasting: Pasting) -> Array:
    """Where a drawn face shows: the soft oval, within the parsed face where there is a parser.

    An aligned picture is a face from edge to edge.
    """
    if pasting.options.aligned:
        return np.ones(face.shape[:2], np.float32)
    oval = paste.face_mask(face.shape[0])
    return oval if pasting.parser is None else np.minimum(oval, pasting.parser(face))
