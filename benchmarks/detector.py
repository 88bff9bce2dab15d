"""How well a face detector does on portraits of people it never saw, in one table.

    python benchmarks/detector.py PORTRAITS
    python benchmarks/detector.py PORTRAITS --weights trained/detector-more/weights.safetensors

PORTRAITS holds manifest.json and whole/ID.jpg; the split "test" is used. Every portrait is shown
as it is, degraded, tilted, and turned to the side as training does it (a simple form, no real
profile); what is drawn is drawn from a fixed seed. Found: an answer shares 0.4 of its joint area
with the face's box. Landmark error: of the found, mean distance over the five in per cent of the
eyes'. False alarms: answers that are no such one, and, in the last row, all those in crops that
do not touch the face's box.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from difface_cli import degradations, models
from difface_cli.degradations import Degradation
from difface_cli.faces.boxes import overlaps
from difface_cli.faces.detect import Face, FaceDetector, build_retinaface
from difface_cli.faces.resample import warp
from difface_cli.training.scenes import facefree, heads, poses
from difface_cli.training.scenes.album import Album, Portrait
from difface_cli.weights import registry
from difface_cli.weights.load import read_tensors

FOUND = 0.4
Change = Callable[[Portrait, int], Portrait]


def same(portrait: Portrait, number: int) -> Portrait:
    """The portrait as it is."""
    return portrait


def smaller(factor: float) -> Change:
    """That many times smaller, with noise and JPEG 30."""
    side = degradations.PAPER_SIZE

    def change(portrait: Portrait, number: int) -> Portrait:
        # `Degradation` counts in pixels of a picture of 512; `factor` in those of this one.
        scale = factor * side / max(portrait.pixels.shape[:2])
        return _worn(portrait, Degradation(0.1, 0.1, 0, scale, 10, 30, seed=number))

    return change


def grid(portrait: Portrait, number: int) -> Portrait:
    """A setting of the paper's test grid (appendix A)."""
    return _worn(portrait, degradations.celeba_test(np.random.default_rng(number)))


def tilted(degrees: float) -> Change:
    """Turned in the plane, every other one to the left."""

    def change(portrait: Portrait, number: int) -> Portrait:
        side = math.ceil(math.hypot(*portrait.pixels.shape[:2]))
        pose = poses.Pose(1.0, tilt=degrees if number % 2 else -degrees)
        centre = ((side - 1) / 2, (side - 1) / 2)
        box, landmarks = pose.marks(portrait, centre)
        inverse = poses.Pose(1.0, tilt=-pose.tilt).linear()
        middle = (portrait.box[:2] + portrait.box[2:]) / 2
        back = np.column_stack([inverse, middle - inverse @ np.array(centre)])
        # On the mean colour: a mirrored border would show further faces.
        mean = portrait.pixels.mean(axis=(0, 1), dtype=np.float32)
        shown = warp(portrait.pixels - mean, back, side, side, smooth=False) + mean
        pixels = shown.round().clip(0, 255).astype(np.uint8)
        return Portrait(pixels, box.astype(np.float32), landmarks.astype(np.float32))

    return change


def turned(degrees: float) -> Change:
    """Turned to the side, every other one to the left."""
    return lambda portrait, number: heads.turned(portrait, degrees if number % 2 else -degrees)


ROWS: dict[str, Change] = {
    "clean": same,
    "4× smaller, noise, JPEG 30": smaller(4),
    "8× smaller, noise, JPEG 30": smaller(8),
    "12× smaller, noise, JPEG 30": smaller(12),
    "appendix A": grid,
    "tilted 30°": tilted(30),
    "tilted 45°": tilted(45),
    "tilted 60°": tilted(60),
    "turned 35°": turned(35),
}


def judged(portrait: Portrait, faces: list[Face]) -> tuple[float | None, int]:
    """The landmark error of the face, None where it is not found; and the number of others."""
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    share, _ = overlaps(portrait.box.astype(float), boxes)
    if not len(share) or share.max() < FOUND:
        return None, len(faces)
    landmarks = faces[int(share.argmax())].landmarks
    apart = np.linalg.norm(portrait.landmarks[1] - portrait.landmarks[0])
    error = np.linalg.norm(landmarks - portrait.landmarks, axis=1).mean() / apart
    return 100 * float(error), len(faces) - 1


def rows(detector: FaceDetector, portraits: list[Portrait]) -> Iterator[str]:
    """The table's rows, one at a time."""
    for name, change in ROWS.items():
        errors, others = [], 0
        for number, portrait in enumerate(portraits):
            shown = change(portrait, number)
            error, more = judged(shown, detector(shown.pixels))
            others += more
            if error is not None:
                errors.append(error)
        mean = f"{np.mean(errors):.1f}" if errors else "–"
        alarms = others / len(portraits)
        yield f"| {name} | {len(errors)}/{len(portraits)} | {mean} | {alarms:.3f} |"
    crops = [crop for portrait in portraits for crop in facefree.sides(portrait)]
    seen = sum(len(detector(np.ascontiguousarray(crop))) for crop in crops)
    yield f"| {len(crops)} crops without a face | | | {seen / len(crops):.3f} |"


def _worn(portrait: Portrait, degradation: Degradation) -> Portrait:
    x = torch.from_numpy(portrait.pixels).permute(2, 0, 1).float() / 255
    y = degradation(x).permute(1, 2, 0).numpy()
    return Portrait((255 * y).round().astype(np.uint8), portrait.box, portrait.landmarks)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--weights", type=Path, help="a file; default: the embedded detector")
    parser.add_argument("--backbone", default="mobile0.25", help="of --weights")
    parser.add_argument("--device", default="auto", choices=models.DEVICES)
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--count", type=int, default=80)
    a = parser.parse_args()

    device = models.resolve_device(a.device)
    if a.weights:
        state = read_tensors(a.weights, device)
        network = build_retinaface(a.backbone, state_dict=state, device=device)
        detector = FaceDetector(network, device, threshold=a.threshold)
    else:
        known = registry.load().weights
        parts = known["starter-detector"], known["starter-landmarks"]
        embedded = models.load_detector(parts[0], device, landmarks=parts[1])
        detector = replace(embedded, threshold=a.threshold)
    album = Album.of("test", a.portraits)
    portraits = [album[number] for number in range(min(a.count, len(album)))]
    print(f"{a.weights or 'embedded detector'}, threshold {a.threshold}\n")
    print("| shown | found | landmark error, % of the eyes' distance | false alarms a picture |")
    print("| --- | --- | --- | --- |")
    for row in rows(detector, portraits):
        print(row, flush=True)


if __name__ == "__main__":
    main()
