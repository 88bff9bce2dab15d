"""Filling holes: in faces by the model, elsewhere smoothed over (section V of the paper)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from difface_cli import images
from difface_cli.base.errors import UsageError
from difface_cli.faces import align, paste
from difface_cli.images import Photo
from difface_cli.method import difface
from difface_cli.method.denoiser import BatchDenoiser
from difface_cli.method.difface import Refinement
from difface_cli.method.guidance import Mask, refine
from difface_cli.models import Ready
from difface_cli.tasks import holes
from difface_cli.tasks.holes import Holes, Wish
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Array, Cut, Matrix, Result, Scene
from difface_cli.tasks.task import Pasting, Placed, Task, faces_of, in_colour, masks_of

WHOLE = "no hole in it"
BY_HAND = "Name it with --face X,Y,W,H or --landmarks to have it drawn."
TOUCHED = 0.02  # of a crop's pixel: more of a hole than that makes it unknown
EDGE = 0.06  # of an aligned face's side, over which what was drawn fades into its surroundings


@dataclass(frozen=True)
class Inpaint(Task):
    """The holes of photos.

    Faces are looked for with all holes smoothed over. With `keep_known`, pixels outside the holes
    stay the photo's own, bit for bit.

    Attributes:
        wish: where the holes are.
        refinement: how the chain is held to the known pixels.
        keep_known: whether the known pixels are put back at the end; else a face is the drawn one
            as a whole.
        fill_rest: whether holes outside faces are smoothed over; else they stay.
    """

    name: ClassVar[str] = "inpaint"
    done: ClassVar[str] = "filled"
    doing: ClassVar[str] = "filling"
    before: ClassVar[str] = "with holes"
    any_shape: ClassVar[bool] = True
    sheet: ClassVar[bool] = True
    unused: ClassVar[tuple[str, ...]] = (
        *("strength", "upscale", "keep_detail", "grain", "auto_n", "gate"),
    )

    wish: Wish = field(default_factory=Wish)
    refinement: Refinement = field(default_factory=Refinement)
    keep_known: bool = True
    fill_rest: bool = True

    def __post_init__(self) -> None:
        """Raise UsageError for a gamma that means nothing, or holes that cannot be found."""
        gamma = self.refinement.gamma
        if not 0 <= gamma < math.inf:
            raise UsageError(
                f"--gamma must be 0 or more, not {gamma}.", "See difface inpaint --help."
            )
        holes.check(self.wish)

    def scene(self, photo: Photo, name: str, sha256: str, place: str = "") -> Scene:
        """The photo with its holes smoothed over; raises ImageError as `holes.find`."""
        return self.with_holes(photo, holes.find(photo, name, self.wish, place), sha256)

    def reads(self, name: str, place: str = "") -> Path | None:
        """The photo's mask, where it is a file; raises ImageError as `holes.find`."""
        return holes.file_of(name, self.wish, place)

    def with_holes(self, photo: Photo, found: Holes, sha256: str) -> Scene:
        """The photo with these holes smoothed over."""
        if not found.mask.any():
            return Scene(photo, photo, sha256, found, idle=True)
        return Scene(photo, holes.bridged(photo, found), sha256, found)

    def warning(self, scene: Scene) -> tuple[str, str]:
        """That what was taken for holes may be none."""
        doubt = scene.holes.doubt if scene.holes else ""
        return (doubt, "Give a mask with --mask if they are none.") if doubt else ("", "")

    def cut(self, scene: Scene, matrix: Matrix, size: int) -> Cut:
        """A face and its holes, aligned together; beyond the photo's edge both are mirrored.

        The face is cut out of the bridged photo, so that no known pixel mixes with what stands in
        a hole.
        """
        assert scene.holes is not None
        white = scene.holes.mask[..., None].astype(np.uint8) * np.uint8(255)
        mask = (align.crop(white, matrix, size)[..., 0] > TOUCHED).astype(np.float32)
        face = align.crop(scene.view.pixels, matrix, size)
        return Cut(face * (1 - mask)[..., None], matrix, mask)

    def needless(self, cut: Cut) -> str:
        """That a face has no hole."""
        return "" if cut.mask is not None and cut.mask.any() else WHOLE

    def start(self, cuts: Sequence[Cut], seeds: Sequence[int], ready: Ready) -> Tensor:
        """f of the face with zeros in its holes, and the mask: b×4×s×s → b×3×s×s."""
        y = torch.cat([faces_of(cuts), masks_of(cuts)], dim=1).to(ready.device)
        return difface.estimate(y, ready.estimator)

    def held(
        self, denoise: BatchDenoiser, cuts: Sequence[Cut], device: torch.device
    ) -> BatchDenoiser:
        """Eq. 16: what is known stays near what it is."""
        operator = Mask(2 * faces_of(cuts).to(device) - 1, masks_of(cuts).to(device))
        return refine(denoise, operator, self.refinement.gamma, self.refinement.how)

    def drawn(self, face: Array, cut: Cut) -> Array:
        """The filled face with the known pixels put back."""
        if not self.keep_known or cut.mask is None:
            return face
        return np.where(cut.mask[..., None] > 0, face, cut.face)

    def reference(self, cut: Cut, estimate: Array) -> Array:
        """The known pixels, and the estimate in the holes."""
        return cut.face if cut.mask is None else cut.face + cut.mask[..., None] * estimate

    def canvas(self, scene: Scene) -> Photo:
        """The photo with all holes smoothed over, or as it is where they stay."""
        return scene.view if self.fill_rest else scene.photo

    def put_back(
        self, scene: Scene, canvas: Photo, faces: Sequence[Placed], pasting: Pasting
    ) -> Photo:
        """The photo with the faces' fillings in its holes.

        Faces are pasted into the canvas as squares first, then each one's own oval once more, so
        that a face near another is not filled by what the other's square shows at its border.
        """
        assert scene.holes is not None
        photo, pixels = scene.photo, in_colour(canvas, pasting)
        if pixels.shape != photo.pixels.shape:
            photo = images.with_pixels(photo, np.repeat(photo.pixels, 3, axis=2))
        aligned = pasting.options.aligned
        for oval in (False,) if aligned else (False, True):
            layers = []
            for placed in faces:
                drawn, cut = placed.face, placed.cut
                shown = _shown(len(drawn), aligned, oval)
                if not self.keep_known and not aligned and cut.mask is not None:
                    hole_and_face = np.maximum(cut.mask, paste.face_mask(len(drawn)))
                    shown = np.minimum(shown, hole_and_face)
                layers.append(
                    paste.Layer(
                        drawn, cut.matrix, mask=shown, original_crop=drawn, gray=pasting.gray
                    )
                )
            paste.paste_all(pixels, layers)
        if not self.keep_known:
            return images.with_pixels(photo, pixels)
        return holes.blended(photo, pixels, scene.holes)

    def status(self, result: Result) -> str:
        """Filled, smoothed over, or without a hole."""
        if result.scene.idle:
            return "no hole"
        return self.done if result.crops else "smoothed"

    def told(self, record: Mapping[str, Any]) -> str:
        """How much was filled, and how many faces were drawn."""
        mask = record["mask"]
        if not mask["share"]:
            return f"no hole ({mask['source']}), the photo is only copied"
        count = sum(face["restored"] for face in record["faces"])
        faces = "no face" if not count else "1 face" if count == 1 else f"{count} faces"
        return f"holes of {mask['share']:.2%} filled, {faces} drawn"

    def remarks(self, record: Mapping[str, Any]) -> Iterator[str]:
        """What was not filled by the model, and what to do where no face was found."""
        mask = record["mask"]
        if mask["outside_faces"]:
            done = "smoothed over" if self.fill_rest else "left as it is"
            yield f"  {mask['outside_faces']:.2%} of it lies outside faces and was {done}"
        if mask["share"] and not record["faces"]:
            yield f"  no face was found. {BY_HAND}"

    def settings(self) -> dict[str, Any]:
        """Refinement, and what is put back."""
        return {
            "gamma": self.refinement.gamma,
            "refine": self.refinement.how,
            "keep_known": self.keep_known,
            "fill_rest": self.fill_rest,
        }

    def notes(self, result: Result, options: Options) -> Mapping[str, Any]:
        """Where the holes were taken from, and how much of them no face covers."""
        found = result.scene.holes
        assert found is not None
        return {**super().notes(result, options)} | {
            "mask": {
                "source": found.source,
                "share": round(found.share, 6),
                "outside_faces": round(_rest(result, options.aligned), 6),
                "wish": asdict(self.wish) | {"source": self.wish.source and found.source},
                "sha256": hash_of(found),
            }
        }


def hash_of(found: Holes) -> str:
    """The sha256 of where a photo's holes are, whatever file told of them."""
    return hashlib.sha256(found.weight.tobytes()).hexdigest()


def _shown(size: int, aligned: bool, oval: bool) -> Array:
    """Where a drawn face shows, s×s in [0, 1]: its oval, all of it, or all but a soft edge."""
    if oval:
        return paste.face_mask(size)
    if aligned:
        return np.ones((size, size), np.float32)
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    ramp = (np.minimum(at, 1 - at) / EDGE).clip(0, 1)
    return np.outer(ramp, ramp)


def _rest(result: Result, aligned: bool) -> float:
    """The share of the photo that is hole and lies in no filled face."""
    found, photo = result.scene.holes, result.scene.photo
    assert found is not None
    covered = np.zeros((photo.height, photo.width, 1), np.uint8)
    for cut in (result.cuts[crops.index] for crops in result.crops):
        size = len(cut.face)
        white = np.ones((size, size, 3), np.float32)
        shown = _shown(size, aligned, False)
        paste.paste(covered, white, cut.matrix, mask=shown, original_crop=white)
    return float(np.mean(found.mask & (covered[..., 0] == 0)))
