"""The detector learns boxes, landmarks and what is a face (Deng et al. 2020, eq. 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.faces import anchors as layout
from difface_cli.faces.boxes import suppress
from difface_cli.faces.retinaface import prepared
from difface_cli.training import balance
from difface_cli.training.matching import NOTHING, match
from difface_cli.training.objective import Batch, Network, grid
from difface_cli.training.recipe import Recipe
from difface_cli.training.scenes.album import Album, Portrait
from difface_cli.training.scenes.collages import FACE, Cast, Scene, scene

NEGATIVES = 7  # to one positive: the hardest
NEGATIVES_ANYWAY = 60  # a batch, so that pictures without a face teach too
BOX_BETA, LANDMARK_BETA = 0.5, 0.3  # where smooth L1 turns from a square into a line
WINDOW, ONWARD = 64, 6  # portraits that one scene is made of, and how far the next one moves on
SHEET = (2, 6)
SHOWN, JOINT = 0.5, 0.4  # score of a face drawn on the sheet; IoU of two boxes of one face


class Detection:
    """From a picture to its faces: collages of portraits, in which every face is known."""

    def __init__(self, album: Album, recipe: Recipe) -> None:
        self.album, self.recipe = album, recipe
        self.shares = balance.weights(album.entries, recipe.data.balance)
        sizes = recipe.params.get("min_sizes", layout.MIN_SIZES)
        self.centres, self.sides = layout.anchors(
            recipe.size, recipe.size, tuple(tuple(level) for level in sizes), layout.STEPS
        )

    def batch(self, numbers: Sequence[int]) -> Batch:
        """(pictures, b×3×s×s uint8 RGB; kinds b×A; offsets b×A×4; points b×A×10)."""
        scenes = [self.scene(number) for number in numbers]
        pixels = torch.from_numpy(np.stack([one.pixels for one in scenes])).permute(0, 3, 1, 2)
        targets = zip(*(self.targets(one) for one in scenes), strict=True)
        return (pixels.contiguous(), *(torch.stack(parts) for parts in targets))

    def scene(self, number: int) -> Scene:
        """The collage of this number.

        It is made of portraits that stand near each other in the epoch's order, so that a few
        portraits in memory serve many collages.
        """
        rng = np.random.default_rng((self.recipe.seed, 1, number))
        epoch, first = divmod(number * ONWARD, len(self.album))
        order = balance.order(self.shares, np.random.default_rng((self.recipe.seed, 0, epoch)))

        def draw(rng: np.random.Generator) -> Portrait:
            return self.album[int(order[(first + rng.integers(WINDOW)) % len(order)])]

        data = self.recipe.data
        cast = Cast(draw, self.recipe.scenes, mirror=data.mirror, gray=data.gray)
        return scene(rng, cast, self.recipe.size)

    def targets(self, one: Scene) -> tuple[Tensor, Tensor, Tensor]:
        """What the network should say at each anchor: kinds (A), offsets (A×4), points (A×10).

        Offsets and points count only where the kind is that of a face.
        """
        boxes, kinds = torch.from_numpy(one.boxes), torch.from_numpy(one.kinds)
        of_anchor, face = match(boxes, kinds, self.centres, self.sides)
        if not len(boxes):
            places = len(of_anchor)
            return of_anchor, torch.zeros(places, 4), torch.zeros(places, 10)
        landmarks = torch.from_numpy(one.landmarks)[face]
        offsets, points = layout.encode(
            boxes[face], landmarks, self.centres, self.sides, layout.VARIANCE
        )
        return of_anchor, offsets, points

    def loss(self, network: Network, batch: Batch) -> Mapping[str, Tensor]:
        """Cross entropy with hard negatives, and smooth L1 of boxes and landmarks, each a face."""
        pictures, kinds, offsets, points = batch
        out = network(prepared(pictures)).float()
        faces, complete = kinds > NOTHING, kinds == FACE
        count = faces.sum().clamp(min=1)
        error = F.cross_entropy(out[..., 4:6].flatten(0, 1), faces.flatten().long(),
                                reduction="none")  # fmt: skip
        nothing = error[kinds.flatten() == NOTHING]
        hard = min(len(nothing), NEGATIVES * int(count) + NEGATIVES_ANYWAY)
        classes = (error[faces.flatten()].sum() + nothing.topk(hard).values.sum()) / count
        box = _smooth_l1(out[..., :4][faces], offsets[faces], BOX_BETA) / count
        landmarks = _smooth_l1(out[..., 6:][complete], points[complete], LANDMARK_BETA)
        landmarks = landmarks / complete.sum().clamp(min=1)
        return {
            "loss": classes + box + landmarks,
            "class": classes.detach(),
            "box": box.detach(),
            "landmarks": landmarks.detach(),
        }

    def sheet(self, network: Network) -> Tensor:
        """Pictures with the faces found, and thinly the faces there are."""
        rows, columns = SHEET
        scenes = [self.scene(number) for number in range(rows * columns)]
        drawn = [self._drawn(network, one) for one in scenes]
        pictures = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255
        return grid([pictures[i : i + columns] for i in range(0, len(pictures), columns)])

    def _drawn(
        self, network: Network, one: Scene
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        picture = one.pixels.copy()
        for box, kind in zip(one.boxes, one.kinds, strict=True):
            _rectangle(picture, box, (255, 255, 255) if kind > NOTHING else (128, 128, 128), 1)
        out = network(prepared(torch.from_numpy(one.pixels).permute(2, 0, 1)[None]))[0]
        scores = out[:, 4:6].softmax(dim=1)[:, 1]
        likely = scores > SHOWN
        boxes, landmarks = layout.decode(
            out[likely, :4], out[likely, 6:], self.centres[likely], self.sides[likely],
            layout.VARIANCE,
        )  # fmt: skip
        corners = boxes.double().numpy()
        for i in suppress(corners, scores[likely].double().numpy(), joint=JOINT, most=50):
            _rectangle(picture, corners[i], (0, 255, 0), 2)
            for x, y in landmarks[i].tolist():
                cv2.circle(picture, (round(x), round(y)), 1, (255, 0, 0), cv2.FILLED)
        return picture


def _smooth_l1(guess: Tensor, truth: Tensor, beta: float) -> Tensor:
    return F.smooth_l1_loss(guess, truth, beta=beta, reduction="sum")


def _rectangle(
    picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    box: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
    color: tuple[int, int, int],
    width: int,
) -> None:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    cv2.rectangle(picture, (x0, y0), (x1, y1), color, width)
