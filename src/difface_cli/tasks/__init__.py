"""A photo in, a photo out, in three stages: find and cut its faces, draw them, put them back.

`prepare` and `finish` look at one photo each and run in any thread; `Drawing` runs the networks,
and takes faces from several photos into one call where that pays. `restore` is all three for one
photo.
"""

from __future__ import annotations

from difface_cli.base.progress import Progress
from difface_cli.images import Photo
from difface_cli.method.chains import Chain, contract
from difface_cli.models import Ready
from difface_cli.tasks.batches import Batches, default_batch, memory_errors
from difface_cli.tasks.drawing import Drawing
from difface_cli.tasks.finishing import enlarge, finish, loses_colour, put_back
from difface_cli.tasks.options import Options
from difface_cli.tasks.preparing import cut, find, matrix, prepare
from difface_cli.tasks.records import Clock, Crops, Drawn, Found, Prepared, Restoration

__all__ = [
    "Batches",
    "Chain",
    "Clock",
    "Crops",
    "Drawing",
    "Drawn",
    "Found",
    "Prepared",
    "Restoration",
    "contract",
    "cut",
    "default_batch",
    "enlarge",
    "find",
    "finish",
    "loses_colour",
    "matrix",
    "memory_errors",
    "prepare",
    "put_back",
    "restore",
]


def restore(
    photo: Photo, ready: Ready, options: Options, progress: Progress | None = None
) -> Restoration:
    """Restore the faces of a photo.

    Returns:
        The whole photo with its faces restored, in its own depth and colour mode. Pixels outside
        the faces' masks are the photo's own, bit for bit, unless it is enlarged. Without a face
        the photo is returned as it is (enlarged when asked for).

    Raises:
        FaceError: for a face that is not there.
        ImageError: for a picture that is said to be aligned and is not square.
        DeviceError: when memory runs out.
    """
    prepared = prepare(photo, ready, options, progress)
    drawing = Drawing(ready, options, progress)
    drawn = drawing.add(prepared)
    drawing.flush()
    return finish(prepared, drawn.result(), ready, options, progress)
