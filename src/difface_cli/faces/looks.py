"""A second look at each candidate face, cut out of the photo itself at one size."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from difface_cli.base.tensors import to_batch
from difface_cli.faces.align import crop, invert
from difface_cli.faces.boxes import Candidates, overlaps
from difface_cli.faces.resample import Array, Matrix
from difface_cli.faces.retinaface import answer

SIDE = 224
MARGIN = 1.8  # of a crop's side to the face's: finer landmarks at 125 pixels than at 100 or 80
AT_ONCE = 16  # faces, each plain and mirrored
LEAST_SHARE, LEAST_SCORE = 0.3, 0.2  # of an answer that is still about the face looked for
MIRRORED = [1, 0, 2, 4, 3]  # the landmarks' order in a mirrored face


def look_again(
    network: nn.Module, device: torch.device, rgb: Array, found: Candidates
) -> Candidates:
    """Candidates with finer boxes and landmarks, and scores that more than one look agrees on.

    Each is looked at plain and mirrored. Box and landmarks become the means of what was seen;
    the score becomes the mean of the first score and the two new ones, 0 for a look that
    saw nothing.

    Args:
        rgb: the photo, h×w×3 uint8.
        found: in the photo's pixels; those that neither look saw are left out.
    """
    groups = []
    for start in range(0, len(found.scores), AT_ONCE):
        group = found.take(slice(start, start + AT_ONCE))
        matrices = [_to_crop(*face) for face in zip(group.boxes, group.landmarks, strict=True)]
        crops = to_batch([crop(rgb, matrix, SIDE) * 255 for matrix in matrices], device)
        answers = answer(network, torch.cat([crops, crops.flip(3)]))
        plain, mirrored = (
            Candidates(*(part[half].double().cpu().numpy() for part in answers))
            for half in (slice(None, len(matrices)), slice(len(matrices), None))
        )
        for i, matrix in enumerate(matrices):
            expected = group.take([i]).mapped(matrix)
            seen = [_seen(look.take(i), expected) for look in (plain, _unmirrored(mirrored))]
            groups.append(_mean(expected, seen).mapped(invert(matrix)))
    return Candidates.joined(groups)


def _to_crop(box: Matrix, landmarks: Matrix) -> Matrix:
    """From the photo to a square crop around a box, turned so that the face is upright."""
    scale = SIDE / (MARGIN * max(box[2] - box[0], box[3] - box[1], 1e-3))
    x, y = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)  # from the eyes to the mouth
    tilt = np.arctan2(x, y)
    turned = scale * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    shift = (SIDE - 1) / 2 - turned @ (box[:2] + box[2:]) / 2
    return np.column_stack([turned, shift])


def _unmirrored(seen: Candidates) -> Candidates:
    boxes, landmarks = seen.boxes[..., [2, 1, 0, 3]], seen.landmarks[..., MIRRORED, :]
    boxes[..., ::2] = SIDE - 1 - boxes[..., ::2]
    landmarks[..., 0] = SIDE - 1 - landmarks[..., 0]
    return Candidates(boxes, seen.scores, landmarks)


def _seen(answers: Candidates, expected: Candidates) -> Candidates:
    """The best answer about the expected face: one candidate or none."""
    share, _ = overlaps(expected.boxes, answers.boxes)
    scores = np.where(share > LEAST_SHARE, answers.scores, 0)
    best = [int(scores.argmax())]
    return answers.take(best if scores[best[0]] > LEAST_SCORE else [])


def _mean(first: Candidates, looks: list[Candidates]) -> Candidates:
    """One candidate from its looks, or none when there was nothing to see."""
    seen = Candidates.joined(looks)
    if not len(seen.scores):
        return seen
    score = (first.scores.sum() + seen.scores.sum()) / (1 + len(looks))
    return Candidates(
        seen.boxes.mean(axis=0, keepdims=True),
        np.array([score]),
        seen.landmarks.mean(axis=0, keepdims=True),
    )
