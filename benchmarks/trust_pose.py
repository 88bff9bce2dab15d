"""What the gate's limits for turned faces and for faces cut off follow from.

    python benchmarks/trust_pose.py PORTRAITS

PORTRAITS holds manifest.json, whole/ID.jpg, and aligned portraits in train/. Prints how far the
heads are turned that the starter learnt from, and how much worse the visible part of a heavily
degraded face is drawn when the rest lies outside the photo, and is mirrored in.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from trust import Floats, heavy, restore, starter, truth

from difface_cli.faces import paste, pose
from difface_cli.metrics.fidelity import psnr

N = 260


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--count", type=int, default=8)
    a = parser.parse_args()
    turns(a.portraits)
    cuts(a.portraits, a.count)


def turns(portraits: Path) -> None:
    """How far the heads are turned that the starter learnt from, by labels and by its detector."""
    entries = json.loads((portraits / "manifest.json").read_text())
    for split in ("train", "test"):
        values = [pose.turn(entry["landmarks5"]) for entry in entries if entry["split"] == split]
        half, most, nearly, largest = np.percentile(values, [50, 99, 99.9, 100])
        print(
            f"{split}: turn median {half:.2f}, 99 % below {most:.2f}, 99.9 % below {nearly:.2f}, "
            f"largest {largest:.2f}"
        )
    detector = starter().detector
    assert detector is not None
    turned = sorted(entries, key=lambda entry: -pose.turn(entry["landmarks5"]))[:8]
    for entry in turned:
        with Image.open(portraits / "whole" / f"{entry['id']}.jpg") as file:
            found = detector(np.array(file.convert("RGB")))
        seen = ", ".join(f"{pose.turn(face.landmarks):.2f}" for face in found[:1])
        print(f"  {entry['id']}: {pose.turn(entry['landmarks5']):.2f}, by the detector {seen}")


def cuts(portraits: Path, count: int) -> None:
    """How much worse the visible part of a face is drawn when the rest lies outside the photo."""
    ready, rng = starter(), np.random.default_rng(0)
    size = ready.model.image_size
    mask = paste.face_mask(size)
    losses: dict[float, list[tuple[float, float]]] = {}
    for number, path in enumerate(sorted((portraits / "train").glob("*.jpg"))[:count]):
        t = truth(path, size)
        y = heavy(rng)(t)
        whole = restore(y, ready, 1, N)[1][0]
        for share in (0.15, 0.25, 0.35, 0.4, 0.45, 0.5):
            edge = round(share * size)
            seen = y.flip(2) if number % 2 else y
            cut = torch.cat([seen[..., edge : 2 * edge].flip(2), seen[..., edge:]], dim=2)
            cut = cut[..., :size].flip(2) if number % 2 else cut[..., :size]
            visible = mask.copy()
            visible[:, size - edge :] *= 0 if number % 2 else 1
            visible[:, :edge] *= 1 if number % 2 else 0
            x = restore(cut, ready, 1, N)[1][0]
            loss, gain = (
                psnr(array(x), array(t), visible) - psnr(array(other), array(t), visible)
                for other in (whole, y)
            )
            losses.setdefault(share, []).append((loss, gain))
            inside = visible.sum() / mask.sum()
            if number == 0:
                print(f"cut {share:.2f} of the square: {inside:.0%} of the oval inside")
    for share, values in losses.items():
        loss, gain = np.mean(values, axis=0)
        print(f"cut {share:.2f}: {loss:+.2f} dB against whole, {gain:+.2f} dB against the photo")


def array(face: torch.Tensor) -> Floats:
    """s×s×3."""
    return face.permute(1, 2, 0).numpy()


if __name__ == "__main__":
    main()
