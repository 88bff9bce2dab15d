"""Detection: geometry against planted faces, judgement on a public-domain portrait."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

import difface_cli
from difface_cli.faces import detect
from difface_cli.faces.boxes import overlaps
from difface_cli.faces.detect import Face, FaceDetector, build_retinaface
from difface_cli.faces.resample import Array, apply
from difface_cli.weights.load import read_tensors
from tests.faces.planted import NEAR, PlantedNetwork, planted, truth

CPU = torch.device("cpu")
DETECTOR = Path(difface_cli.__file__).parent / "starter" / "detector.safetensors"
EYES_AND_MOUTH = np.array([[204, 104], [246, 106], [224, 127], [206, 142], [244, 143]])


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    network = build_retinaface("mobile0.25", state_dict=read_tensors(DETECTOR, CPU), device=CPU)
    return FaceDetector(network, CPU)


class Shifted(torch.nn.Module):
    """Another network's answers with the landmarks lower, by a fifth of an anchor."""

    def __init__(self, network: PlantedNetwork) -> None:
        super().__init__()
        self.network, self.cfg = network, network.cfg

    def forward(self, pictures: torch.Tensor) -> Any:
        boxes, scores, points = self.network(pictures)
        lower = torch.tensor([0.0, 0.2 / NEAR]).repeat(5)
        return boxes, scores, points + lower


def share(face: Face, box: Array) -> float:
    return float(overlaps(np.array(face.box), np.asarray(box))[0])


@pytest.mark.parametrize("second_pass", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (90, 120, (40, 20, 80, 70)),
        (480, 640, (300, 150, 380, 260)),
        (1280, 900, (140, 950, 251, 1100)),
        (1501, 2203, (1203, 401, 1502, 803)),
        (3000, 4000, (1500, 900, 2400, 2100)),
    ],
)
def test_a_planted_face_is_found_where_it_is(
    height: int, width: int, box: tuple[int, int, int, int], second_pass: bool
) -> None:
    network = PlantedNetwork()
    detector = FaceDetector(network, CPU, second_pass=second_pass)
    (face,) = detector(planted(height, width, box))
    edges, landmarks = truth(box)
    tolerance = 0.006 * (box[3] - box[1]) + 0.05
    np.testing.assert_allclose(face.box, edges, atol=tolerance)
    np.testing.assert_allclose(face.landmarks, landmarks, atol=tolerance)
    assert face.score == pytest.approx(0.99)
    assert face.width == pytest.approx(box[2] - box[0], abs=2 * tolerance)
    assert max(max(shape[2:]) for shape in network.seen) <= 1280


def test_detect_size_bounds_the_copy() -> None:
    network = PlantedNetwork()
    FaceDetector(network, CPU, detect_size=320)(planted(1500, 2000, (900, 500, 1200, 900)))
    assert {shape[2:] for shape in network.seen} == {(240, 320), (224, 224)}


def test_the_second_pass_looks_at_all_faces_in_one_call(detector: FaceDetector) -> None:
    calls: list[torch.Size] = []
    hook = detector.network.register_forward_pre_hook(lambda _, x: calls.append(x[0].shape))
    try:
        faces = detector(np.hstack([astronaut()] * 3))
    finally:
        hook.remove()
    assert len(faces) == 3
    fine, coarse, looks = (shape[0] for shape in calls)
    assert (fine, coarse) == (1, 1) and looks >= 2 * len(faces)


def test_the_threshold_counts_all_looks() -> None:
    photo = planted(300, 300, (100, 100, 150, 160))
    assert len(FaceDetector(PlantedNetwork(0.81), CPU)(photo)) == 1
    assert FaceDetector(PlantedNetwork(0.79), CPU)(photo) == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (19, 300), (20, 20), (21, 2000), (65, 33)])
def test_pictures_without_room_for_a_face_have_none(
    detector: FaceDetector, shape: tuple[int, int]
) -> None:
    assert detector(np.full((*shape, 3), 128, np.uint8)) == []


def test_noise_has_no_face(detector: FaceDetector) -> None:
    assert detector(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)) == []


def test_the_astronaut(detector: FaceDetector) -> None:
    (face,) = detector(astronaut())
    assert face.score > 0.95
    np.testing.assert_allclose(face.landmarks, EYES_AND_MOUTH, atol=6)
    again = detector(astronaut())[0]
    assert again.box == face.box and (again.landmarks == face.landmarks).all()


@pytest.mark.parametrize("degrees", [0, 25, -40])
@pytest.mark.parametrize("scale", [0.25, 0.5, 1.6])
def test_turned_and_resized_copies(detector: FaceDetector, scale: float, degrees: float) -> None:
    matrix = cv2.getRotationMatrix2D((225, 120), degrees, scale)
    size = round(500 * scale)
    matrix[:, 2] += size / 2 - np.array([225, 120])
    photo = cv2.warpAffine(astronaut(), matrix, (size, size), flags=cv2.INTER_AREA)
    (face,) = detector(np.asarray(photo, np.uint8))
    np.testing.assert_allclose(face.landmarks, apply(matrix, EYES_AND_MOUTH), atol=8 * scale)


def test_a_mirrored_photo_has_mirrored_faces(detector: FaceDetector) -> None:
    (face,) = detector(astronaut())
    (mirrored,) = detector(np.ascontiguousarray(astronaut()[:, ::-1]))
    landmarks = mirrored.landmarks[[1, 0, 2, 4, 3]] * [-1, 1] + [511, 0]
    x0, y0, x1, y1 = mirrored.box
    assert share(face, np.array([511 - x1, y0, 511 - x0, y1])) > 0.9
    np.testing.assert_allclose(landmarks, face.landmarks, atol=2)


def test_a_gray_photo_has_the_same_face(detector: FaceDetector) -> None:
    gray = astronaut().mean(axis=2, keepdims=True).astype(np.uint8)
    (face,) = detector(np.repeat(gray, 3, axis=2))
    assert share(face, np.array(detector(astronaut())[0].box)) > 0.8


def test_a_thumbnail_is_enough(detector: FaceDetector) -> None:
    thumbnail = cv2.resize(astronaut()[10:266, 100:356], (64, 64), interpolation=cv2.INTER_AREA)
    assert len(detector(np.asarray(thumbnail, np.uint8))) == 1


def test_faces_come_largest_first_then_from_the_left(detector: FaceDetector) -> None:
    person = astronaut()[0:300, 75:375]
    photo = np.zeros((600, 1200, 3), np.uint8)
    for x in (0, 300):
        photo[:300, x : x + 300] = person
    photo[:, 600:] = cv2.resize(person, (600, 600))
    faces = detector(photo)
    assert len(faces) == 3
    areas = [face.width * face.height for face in faces]
    assert areas == sorted(areas, reverse=True)
    assert faces[0].box[0] > 600

    single = FaceDetector(PlantedNetwork(), CPU, second_pass=False)
    assert len(single(planted(300, 300, (50, 50, 99, 99)))) == 1


class TestFiner:
    """A second network that tells the landmarks, and nothing else."""

    box = (150, 120, 240, 240)

    def test_landmarks_are_its_own_and_box_and_score_are_not(self) -> None:
        shifted = PlantedNetwork(0.5)
        plain = FaceDetector(PlantedNetwork(), CPU)
        finer = replace(plain, finer=Shifted(shifted))
        picture = planted(480, 640, self.box)
        (before,), (after,) = plain(picture), finer(picture)
        assert (after.box, after.score) == (before.box, before.score)
        eyes = float(np.linalg.norm(before.landmarks[1] - before.landmarks[0]))
        assert np.abs(after.landmarks - before.landmarks).max() > 0.05 * eyes
        again = finer.again(picture, before.landmarks)
        assert again is not None
        np.testing.assert_allclose(again.landmarks, after.landmarks, atol=1)

    def test_where_it_sees_no_face_the_detector_tells_them(self) -> None:
        plain = FaceDetector(PlantedNetwork(), CPU)
        picture = planted(480, 640, self.box)
        blind = replace(plain, finer=PlantedNetwork(confidence=0.01))
        np.testing.assert_array_equal(blind(picture)[0].landmarks, plain(picture)[0].landmarks)


class TestAgain:
    """The look at a face that is known to be about there."""

    def test_it_sees_a_face_as_the_whole_search_does(self, detector: FaceDetector) -> None:
        (face,) = detector(astronaut())
        eyes = float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
        seen = detector.again(astronaut(), face.landmarks + 0.1 * eyes)
        assert seen is not None
        assert share(seen, face.box) > 0.8
        np.testing.assert_allclose(seen.landmarks, face.landmarks, atol=0.06 * eyes)

    def test_it_is_one_call_and_no_search(self) -> None:
        network, box = PlantedNetwork(), (100, 80, 190, 200)
        _, landmarks = truth(box)
        seen = FaceDetector(network, CPU).again(planted(400, 400, box), landmarks)
        assert seen is not None
        np.testing.assert_allclose(seen.landmarks, landmarks, atol=1)
        assert network.seen == [(2, 3, 224, 224)]

    def test_it_sees_none_where_there_is_none(self, detector: FaceDetector) -> None:
        (face,) = detector(astronaut())
        empty = np.full_like(astronaut(), 127)
        assert detector.again(empty, face.landmarks) is None
        assert detector.again(astronaut(), face.landmarks + np.array([0, 150])) is None


def test_no_copy_of_a_large_photo_is_made() -> None:
    photo = planted(4000, 6000, (2000, 1000, 2600, 1800))
    tracemalloc.start()
    try:
        faces = FaceDetector(PlantedNetwork(), CPU)(photo)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(faces) == 1 and peak < photo.nbytes / 2


def test_weights_that_see_faces_everywhere_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Everywhere(PlantedNetwork):
        def forward(
            self, pictures: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            boxes, scores, points = super().forward(pictures)
            return boxes * 0, torch.full_like(scores, 0.7), points

    monkeypatch.setattr(detect, "MOST", 10)
    network = Everywhere()
    assert FaceDetector(network, CPU)(planted(320, 320, (50, 50, 99, 99))) == []
    assert sum(shape[0] for shape in network.seen if shape[2:] == (224, 224)) == 20


def test_the_package_is_cheap_to_import() -> None:
    code = "import sys, difface_cli.faces; print({'torch', 'cv2', 'facexlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
