"""Which pixels of a photo are holes: from a mask file, its transparency, a colour, or zeros."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from difface_cli import images
from difface_cli.base.errors import ImageError, UsageError, require
from difface_cli.images import Photo

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

ALPHA = "alpha"
COLOUR = re.compile(r"#(?:[0-9a-f]{3}){1,2}", re.IGNORECASE)
LOSSY = ("JPEG", "WEBP", "AVIF", "JPEG2000")

# Of a colour painted over a photo: what is it for sure, and what is mixed with it along its edge,
# by a soft brush or by JPEG's colours, which are stored at half size.
PAINT, MIXED = 24, 128
REACH, REACH_OF_LOSSY = 1, 2
# Of zeros that went through JPEG: within a block they stay near 0, at the edge they ring.
DARK, RINGING, RING = 8, 48, 3

RADIUS = 3  # pixels that smoothing looks around itself
BAND = 256  # rows worked on at once
FEWEST, MOST = 0.001, 0.9  # of a photo that zeros may cover without a doubt


@dataclass(frozen=True)
class Wish:
    """How the user says where the holes are.

    Attributes:
        source: a file, a folder of files named like the photos, "alpha", or a colour such as
            "#ff00ff"; None for pixels that are zero.
        threshold: of a mask file or transparency, the least brightness of a hole, above 0 to 1.
        invert: whether a mask shows what is kept instead.
        grow: pixels by which holes are enlarged; the filling fades out over them.
    """

    source: str | None = None
    threshold: float = 0.5
    invert: bool = False
    grow: int = 0


@dataclass(frozen=True, eq=False)
class Holes:
    """The holes of one photo.

    Attributes:
        weight: h×w float32, how much of the filling shows: 1 in a hole, falling to 0 over the
            pixels it was grown by, 0 where the photo is known.
        source: where they were taken from, for the record.
        doubt: a sentence when they look unlike holes; else empty.
    """

    weight: Floats
    source: str
    doubt: str = ""

    @property
    def mask(self) -> Bools:
        """h×w, True in holes, grown ones included."""
        inside: Bools = self.weight > 0
        return inside

    @property
    def share(self) -> float:
        """Of the photo, 0 to 1."""
        return float(np.mean(self.weight > 0))


def check(wish: Wish) -> None:
    """Raise UsageError, naming option and range, unless holes can be found this way."""
    problems = (
        (0 < wish.threshold <= 1, f"--mask-threshold must be above 0 to 1, not {wish.threshold}"),
        (wish.grow >= 0, f"--mask-grow must not be negative, not {wish.grow}"),
    )
    require(problems, "See difface inpaint --help.")
    source = wish.source or ""
    if source.startswith("#") and not COLOUR.fullmatch(source) and not Path(source).exists():
        raise UsageError(f"{source!r} is no colour.", "Write it as '#ff00ff', in quotes.")


def places(wish: Wish) -> tuple[Path, ...]:
    """The file or folder that holes are read from; none where the photo itself shows them."""
    source = wish.source
    named = source is not None and source != ALPHA and not COLOUR.fullmatch(source)
    return (Path(source),) if source is not None and named else ()


def file_of(name: str, wish: Wish, place: str = "") -> Path | None:
    """The file that a photo's holes are read from; None where the photo itself shows them.

    Args:
        name, place: as in `find`.

    Raises:
        ImageError: when a folder has no mask for the photo, or several.
    """
    for path in places(wish):
        if not path.is_dir():
            return path
        inner = path / Path(place).parent
        return beside(name, inner if inner.is_dir() else path)
    return None


def find(photo: Photo, name: str, wish: Wish, place: str = "") -> Holes:
    """The holes of a photo.

    Args:
        name: the photo's path as the user gave it, "-" for stdin.
        place: its path within a run over folders; a folder of masks is as deep.

    Raises:
        ImageError: for a mask that is missing, cannot be read, has another size than the photo,
            or leaves nothing of the photo.
    """
    return _holes(*_mask(photo, name, wish, place), name, wish)


def shown_by(mask: Photo, photo: Photo, name: str, wish: Wish) -> Holes:
    """The holes that a mask shows; arguments and errors as in `find`."""
    return _holes(_bright(photo, name, mask, "given", wish.threshold), "given", name, wish)


def _holes(mask: Bools, source: str, name: str, wish: Wish) -> Holes:
    if wish.invert:
        mask = ~mask
    holes = Holes(_faded(mask, wish.grow), source)
    if mask.all():
        raise ImageError(
            f"The mask of {name} covers the whole picture, so nothing of it is known.",
            "White marks the holes; add --invert-mask if yours marks what is kept.",
        )
    doubtful = wish.source is None and mask.any() and not FEWEST <= holes.share <= MOST
    if not doubtful:
        return holes
    doubt = f"Black pixels are taken for holes, and they cover {holes.share:.2%} of {name}."
    return Holes(holes.weight, source, doubt)


def _mask(photo: Photo, name: str, wish: Wish, place: str) -> tuple[Bools, str]:
    """The holes as given, and what gave them."""
    source = wish.source
    if source is None:
        return _zeros(photo), "zero-filled pixels"
    if source == ALPHA:
        if photo.alpha is None:
            raise ImageError(
                f"{name} has no transparency to take for holes.", "Give a mask file with --mask."
            )
        opaque = photo.alpha / np.float32(np.iinfo(photo.alpha.dtype).max)
        return 1 - opaque >= wish.threshold, ALPHA
    if COLOUR.fullmatch(source):
        digits = source[1:] if len(source) == 7 else "".join(2 * digit for digit in source[1:])
        reach = REACH_OF_LOSSY if photo.format in LOSSY else REACH
        away = _distance(photo, tuple(bytes.fromhex(digits)))
        return _spread(away <= PAINT, away <= MIXED, reach), source.lower()
    path = file_of(name, wish, place) or Path(source)
    return _from_file(photo, name, path, wish.threshold), str(path)


def beside(name: str, folder: Path) -> Path:
    """The mask in a folder that has the photo's name, whatever its suffix.

    Raises:
        ImageError: when there is none, or more than one.
    """
    photo = Path(name)
    there: Iterable[Path] = folder.iterdir() if name != "-" else ()
    found = [
        p for p in sorted(there) if p.stem == photo.stem and p.is_file() and not _same(p, photo)
    ]
    exact = [p for p in found if p.name == photo.name]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if not found:
        raise ImageError(
            f"The folder {folder} has no mask for {name}.",
            f"Name it {photo.stem}.png, like the photo." if name != "-" else "Name a file.",
        )
    raise ImageError(
        f"The folder {folder} has several masks for {name}: {', '.join(p.name for p in found)}.",
        "Leave one of them, or name it with --mask.",
    )


def _from_file(photo: Photo, name: str, path: Path, threshold: float) -> Bools:
    """What is bright in a mask file."""
    return _bright(photo, name, images.read(path), str(path), threshold)


def _bright(photo: Photo, name: str, mask: Photo, path: str, threshold: float) -> Bools:
    """What is bright in a mask of any mode; where it is transparent it is black."""
    if (mask.width, mask.height) != (photo.width, photo.height):
        turned = (mask.height, mask.width) == (photo.width, photo.height)
        raise ImageError(
            f"The mask {path} is {mask.width}x{mask.height} pixels, and {name} is "
            f"{photo.width}x{photo.height}.",
            "Turn the mask as the photo is shown."
            if turned
            else "Make a mask of the photo's size.",
        )
    white = np.float32(np.iinfo(mask.pixels.dtype).max)
    bright = mask.pixels.max(axis=2) / white
    if mask.alpha is not None:
        bright *= mask.alpha / white
    inside: Bools = bright >= threshold
    return inside


def _zeros(photo: Photo) -> Bools:
    """Pixels that are black to the last bit, or nearly so where the file's format is lossy."""
    if photo.format in LOSSY:
        away = _distance(photo, (0, 0, 0))
        dark = cv2.morphologyEx((away <= DARK).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
        return _spread(dark > 0, away <= RINGING, RING)  # a dark pixel alone is a speck of noise
    black: Bools = photo.pixels.max(axis=2) == 0
    return black


def _distance(photo: Photo, colour: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """The largest difference of each pixel to a colour in any channel, of 255."""
    rgb = images.rgb8(photo)
    distance = np.empty(rgb.shape[:2], np.uint8)
    for top in range(0, len(rgb), BAND):  # a photo of 48 megapixels needs no 16-bit copy
        band = rgb[top : top + BAND].astype(np.int16)
        distance[top : top + BAND] = np.abs(band - np.array(colour, np.int16)).max(axis=2)
    return distance


def _spread(core: Bools, possible: Bools, reach: int) -> Bools:
    """The core and what is possible within `reach` pixels of it."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near: Bools = cv2.dilate(core.astype(np.uint8), disc) > 0
    return core | near & possible


def _faded(mask: Bools, grow: int) -> Floats:
    """1 inside, falling in a line to 0 over the `grow` pixels around."""
    if not grow or not mask.any():
        return mask.astype(np.float32)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    weight: Floats = (1 - away / (grow + 1)).clip(0, 1).astype(np.float32)
    return weight


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return False


def bridged(photo: Photo, holes: Holes) -> Photo:
    """The photo with its holes smoothed over from their edges: Telea 2004.

    Good for scratches, and enough of a picture for faces to be found in; a wide hole becomes a
    smear. Pixels outside the holes stay as they are.
    """
    mask = holes.mask.astype(np.uint8)
    if not mask.any():
        return photo
    # OpenCV fills 16 bits one channel at a time only.
    if photo.pixels.dtype == np.uint8:
        filled = cv2.inpaint(photo.pixels, mask, RADIUS, cv2.INPAINT_TELEA)
    else:
        channels = [np.ascontiguousarray(c) for c in np.moveaxis(photo.pixels, 2, 0)]
        filled = np.stack(
            [cv2.inpaint(c, mask, RADIUS, cv2.INPAINT_TELEA) for c in channels], axis=2
        )
    filled = filled.reshape(photo.pixels.shape)
    return images.with_pixels(photo, np.where(mask[..., None] > 0, filled, photo.pixels))


def blended(photo: Photo, filled: Array, holes: Holes) -> Photo:
    """The photo with `filled`, pixels of its form, in its holes, fading out where they were grown.

    Pixels outside the holes are the photo's to the last bit; holes become opaque.
    """
    pixels = photo.pixels.copy()
    inside = holes.mask
    weight = holes.weight[inside][:, None]
    mixed = weight * filled[inside] + (1 - weight) * pixels[inside]
    pixels[inside] = np.rint(mixed).astype(pixels.dtype)
    if photo.alpha is None:
        return images.with_pixels(photo, pixels)
    alpha = np.where(inside, np.iinfo(photo.alpha.dtype).max, photo.alpha)
    return images.with_pixels(photo, pixels, alpha.astype(photo.alpha.dtype))
