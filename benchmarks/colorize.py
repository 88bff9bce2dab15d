"""What `difface colorize` gives portraits whose colours are known, in one table.

    python benchmarks/colorize.py PORTRAITS/test --seeds 3

Every portrait is made grey and coloured again. "ab" is the mean distance from the true colour in
CIELAB's a and b, "chroma" the mean distance from grey, both over the whole aligned square and in
its middle, the face. For comparison: the grey portrait, and the chain started from it untinted.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from skimage.color import rgb2lab

from difface_cli import images, models
from difface_cli.images import Photo
from difface_cli.images.photo import Array
from difface_cli.method.difface import Settings
from difface_cli.tasks import Colorize, Engine, Scene
from difface_cli.tasks import colorize as colorizing
from difface_cli.tasks.options import Options
from difface_cli.weights import registry

FACE = (slice(64, 220), slice(72, 184))  # of 256×256


def row(results: list[Array], truths: list[Array]) -> str:
    """The table's numbers: h×w×3 uint8 each."""
    whole, face = [], []
    for result, truth in zip(results, truths, strict=True):
        a, b = (rgb2lab(pixels)[..., 1:] for pixels in (result, truth))
        numbers = np.stack([np.hypot(*np.moveaxis(a - b, 2, 0)), np.hypot(*np.moveaxis(a, 2, 0))])
        whole.append(numbers.mean(axis=(1, 2)))
        face.append(numbers[:, *FACE].mean(axis=(1, 2)))
    (ab, chroma), (face_ab, face_chroma) = np.mean(whole, axis=0), np.mean(face, axis=0)
    return f"{ab:.1f} | {chroma:.1f} | {face_ab:.1f} | {face_chroma:.1f} |"


def main() -> None:
    """Print the table, and write a sheet of pictures when asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sheet", type=Path, help="grey, coloured with every seed, truth")
    a = parser.parse_args()
    known, device = registry.load(), torch.device("cpu")
    model = known.model("starter-colorize", "colorize")
    dtype = models.resolve_precision("auto", device)
    ready = models.load(known, model, device, dtype, detector=False)
    paths = sorted(a.portraits.glob("*.jpg"))
    truths = [
        np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BOX))
        for path in paths[:: max(1, len(paths) // a.count)][: a.count]
    ]
    grays = [images.desaturated(Photo(truth)) for truth in truths]
    settings = Settings(model.n, model.steps, model.eta)
    wishes = Options(settings, aligned=True, gray="off")

    def coloured(seed: int) -> list[Array]:
        engine = Engine(ready, Colorize(), replace(wishes, seed=seed))
        results = [engine.run(Scene(gray, gray, str(k))) for k, gray in enumerate(grays)]
        return [result.photos[0].pixels for result in results]

    print("| | ab | chroma | ab, face | chroma, face |\n| --- | --- | --- | --- | --- |")
    columns = [[images.rgb8(gray) for gray in grays]]
    print(f"| grey | {row(columns[0], truths)}", flush=True)
    with mock.patch.object(colorizing, "tinted", lambda gray, seed: gray.repeat(3, axis=2)):
        print(f"| from a grey start | {row(coloured(0), truths)}", flush=True)
    for seed in range(a.seeds):
        columns.append(coloured(seed))
        print(f"| seed {seed} | {row(columns[-1], truths)}", flush=True)
    print(f"| truth | {row(truths, truths)}")
    if a.sheet:
        shown = np.vstack([np.hstack(column)[::2, ::2] for column in [*columns, truths]])
        Image.fromarray(shown).save(a.sheet, quality=90)


if __name__ == "__main__":
    main()
