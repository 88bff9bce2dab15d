"""Colouring: a grey face with a coarse tint is diffused, and the chain held to its luma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from difface_cli import images
from difface_cli.base.errors import ImageError, UsageError
from difface_cli.base.tensors import to_batch
from difface_cli.faces import paste
from difface_cli.images import Photo
from difface_cli.method.denoiser import BatchDenoiser
from difface_cli.method.difface import Refinement
from difface_cli.method.guidance import Luma, refine
from difface_cli.models import Ready
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Array, Cut, Result, Scene
from difface_cli.tasks.task import Pasting, Placed, Task, faces_of
from difface_cli.tasks.tint import tinted

GAMMAS: Mapping[str, float] = MappingProxyType({"closed-form": 20.0, "gradient": 1.0})
LARGEST_STEP = 2.2  # a gradient step of 1/|w|² ends as far from the luma as it began


@dataclass(frozen=True)
class Colorize(Task):
    """The faces of grey photos, of which only the luma is used.

    The luma of a result is the photo's everywhere, to within rounding; away from the faces it is
    grey. `strength` scales the chroma.

    Attributes:
        refinement: how the chain is held to the luma.
        desaturate: whether a photo in colour loses its colours first; else it is refused.
    """

    name: ClassVar[str] = "colorize"
    done: ClassVar[str] = "coloured"
    doing: ClassVar[str] = "colouring"
    notice: ClassVar[str] = (
        "The colours are invented by a model. They tell nothing of the true colours and are no "
        "evidence of a person's appearance, origin or identity."
    )
    own_starts: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (
        *("gray", "upscale", "keep_detail", "grain", "auto_n", "gate"),
    )

    refinement: Refinement = field(default_factory=lambda: Refinement(GAMMAS["closed-form"]))
    desaturate: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a gamma with which the chain cannot be held to the luma."""
        gamma, how = self.refinement.gamma, self.refinement.how
        if how == "gradient" and gamma > LARGEST_STEP:
            raise UsageError(
                f"A gradient step must be at most {LARGEST_STEP}, or it overshoots; not {gamma}.",
                "Give a smaller --gamma, or --refine closed-form.",
            )
        if not 0 <= gamma < float("inf"):
            raise UsageError(
                f"--gamma must be 0 or more, not {gamma}.", "See difface colorize --help."
            )

    def scene(self, photo: Photo, name: str, sha256: str, place: str = "") -> Scene:
        """The photo without its colours.

        Raises:
            ImageError: for a photo in colour, unless its colours may be dropped.
        """
        if not (self.desaturate or images.is_toned(photo)):
            raise ImageError(
                f"{name} is in colour already.",
                "Add --desaturate to drop its colours and have others invented.",
            )
        return Scene(photo, images.desaturated(photo), sha256)

    def start(self, cuts: Sequence[Cut], seeds: Sequence[int], ready: Ready) -> Tensor:
        """Each grey face with a tint of its own; there is no estimator."""
        tints = [tinted(cut.face[..., :1], seed) for cut, seed in zip(cuts, seeds, strict=True)]
        return to_batch(tints, ready.device)

    def held(
        self, denoise: BatchDenoiser, cuts: Sequence[Cut], device: torch.device
    ) -> BatchDenoiser:
        """Eq. 15 with the luma in the place of the mask."""
        luma = faces_of(cuts)[:, :1].to(device)
        return refine(denoise, Luma(2 * luma - 1), self.refinement.gamma, self.refinement.how)

    def drawn(self, face: Array, cut: Cut) -> Array:
        """The chroma that was drawn, on the luma there was."""
        return images.recoloured(cut.face[..., :1], face - images.luma(face))

    def canvas(self, scene: Scene) -> Photo:
        """The grey photo."""
        return scene.view

    def put_back(
        self, scene: Scene, canvas: Photo, faces: Sequence[Placed], pasting: Pasting
    ) -> Photo:
        """The photo with the faces' chroma, each within its oval.

        What the model draws around a face would show as a patch of sky in a grey photo. Without a
        face, the photo itself.
        """
        if not faces:
            return scene.photo
        pixels = np.repeat(canvas.pixels, 3, axis=2)
        layers = [
            paste.Layer(
                placed.face,
                placed.cut.matrix,
                mask=_shown(len(placed.face), pasting.options.aligned),
                original_crop=placed.face,  # no colour to match in a grey photo
                strength=pasting.options.strength,
            )
            for placed in faces
        ]
        paste.paste_all(pixels, layers)
        return images.with_chroma_of(canvas, pixels)

    def told(self, record: Mapping[str, Any]) -> str:
        """How many faces were coloured, and that nothing else was."""
        whole = record["settings"]["aligned"] or not any(f["restored"] for f in record["faces"])
        return super().told(record) + ("" if whole else ", the rest is grey")

    def settings(self) -> dict[str, Any]:
        """Refinement, and whether colours were dropped."""
        return {
            "gamma": self.refinement.gamma,
            "refine": self.refinement.how,
            "desaturate": self.desaturate,
        }

    def notes(self, result: Result, options: Options) -> Mapping[str, Any]:
        """Nothing beyond the common part."""
        return {}


def _shown(size: int, aligned: bool) -> Array:
    """Where a face's colour shows, s×s in [0, 1]: all of it, or an oval that fades early."""
    if aligned:
        return np.ones((size, size), np.float32)
    oval: Array = paste.face_mask(size) ** 2
    return oval
