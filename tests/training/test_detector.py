"""The loss knows the truth, examples follow their number, and the network learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli.base.errors import DifFaceError, UsageError
from difface_cli.faces import anchors as layout
from difface_cli.faces.retinaface import answer, build_retinaface, prepared, trainable_retinaface
from difface_cli.training import launching as command
from difface_cli.training import making
from difface_cli.training import recipe as recipes
from difface_cli.training.detector import Detection
from difface_cli.training.matching import NOTHING
from difface_cli.training.objective import Batch
from difface_cli.training.recipe import Data, Recipe
from difface_cli.training.scenes.collages import FACE, Scene
from difface_cli.weights.load import read_tensors
from tests.training.scenes.people import folder

SIZE = 64
CPU = torch.device("cpu")


def recipe(**changes: object) -> Recipe:
    plain = Recipe(
        "detector", "retinaface", steps=10, params={"backbone": "mobile0.25"}, size=SIZE, batch=2
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    return folder(tmp_path / "portraits")


@pytest.fixture
def detection(portraits: Path) -> Detection:
    made = making.objective(recipe(data=Data(pictures=(portraits,))))
    assert isinstance(made, Detection)
    return made


def face(number: int = 0) -> Scene:
    """Noise with one face at a known place."""
    pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    box = np.array([[14, 12, 46, 50]], np.float32)
    landmarks = np.array([[[22, 26], [38, 26], [30, 33], [24, 41], [36, 41]]], np.float32)
    return Scene(pixels, box, landmarks, np.array([FACE]))


def batch_of(detection: Detection, *scenes: Scene) -> Batch:
    pixels = torch.from_numpy(np.stack([s.pixels for s in scenes])).permute(0, 3, 1, 2)
    parts = zip(*(detection.targets(s) for s in scenes), strict=True)
    return (pixels, *(torch.stack(p) for p in parts))


def perfect(batch: Batch) -> Tensor:
    """What a network would answer that knows everything: b×A×16."""
    _, kinds, offsets, points = batch
    logits = torch.where(kinds[..., None] > NOTHING, 1.0, -1.0) * torch.tensor([-50.0, 50.0])
    return torch.cat([offsets, logits, points], dim=-1)


def test_a_perfect_answer_has_no_loss_and_any_other_more(detection: Detection) -> None:
    batch = batch_of(detection, face(0), face(1))
    truth = perfect(batch)
    values = detection.loss(lambda x: truth, batch)
    assert float(values["loss"]) < 1e-5
    positive = batch[1] > NOTHING
    for part, name in ((0, "box"), (4, "class"), (6, "landmarks")):
        wrong = truth.clone()
        wrong[..., part][positive] += 110.0  # for the logits: of "no face"
        values = detection.loss(lambda x, wrong=wrong: wrong, batch)
        assert float(values[name]) > 1
        assert float(values["loss"]) == pytest.approx(float(values[name]))


def test_only_the_hardest_of_the_rest_count(detection: Detection) -> None:
    batch = batch_of(detection, face())
    truth = perfect(batch)
    (nothing,) = (batch[1][0] == NOTHING).nonzero(as_tuple=True)
    one, all_ = truth.clone(), truth.clone()
    one[0, nothing[0], 4:6] = torch.tensor([0.0, 10.0])
    all_[0, nothing, 4:6] = torch.tensor([0.0, 10.0])
    count = int((batch[1] > NOTHING).sum())
    assert float(detection.loss(lambda x: one, batch)["class"]) == pytest.approx(10 / count, 1e-3)
    many = min(len(nothing), 7 * count + 60)
    assert float(detection.loss(lambda x: all_, batch)["class"]) == pytest.approx(
        10 * many / count, 1e-3
    )


def test_targets_decode_to_the_face_at_every_anchor_that_has_it(detection: Detection) -> None:
    one = face()
    kinds, offsets, points = detection.targets(one)
    boxes, landmarks = layout.decode(
        offsets, points, detection.centres, detection.sides, layout.VARIANCE
    )
    positive = kinds == FACE
    assert positive.any()
    expected = torch.from_numpy(one.boxes).expand(int(positive.sum()), 4)
    torch.testing.assert_close(boxes[positive], expected, atol=1e-3, rtol=0)
    expected = torch.from_numpy(one.landmarks).expand(int(positive.sum()), 5, 2)
    torch.testing.assert_close(landmarks[positive], expected, atol=1e-3, rtol=0)


def test_an_example_follows_from_its_number_alone(portraits: Path, detection: Detection) -> None:
    again = making.objective(recipe(data=Data(pictures=(portraits,))))
    _ = again.batch([5, 9])
    one, other = detection.batch([3, 7]), again.batch([7, 3])
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b.flip(0))
    assert not torch.equal(one[0][0], one[0][1])
    pixels, kinds, offsets, points = one
    count = len(detection.centres)
    assert pixels.shape == (2, 3, SIZE, SIZE) and kinds.shape == (2, count)
    assert offsets.shape == (2, count, 4) and points.shape == (2, count, 10)
    assert all(part.isfinite().all() for part in one)


def test_it_learns_one_picture(detection: Detection) -> None:
    torch.manual_seed(0)
    network = trainable_retinaface("mobile0.25")
    batch = batch_of(detection, face())
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        values = detection.loss(network, batch)
        optimizer.zero_grad()
        values["loss"].backward()
        optimizer.step()
        losses.append(float(values["loss"].detach()))
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_what_was_trained_is_what_the_detector_reads(backbone: str) -> None:
    torch.manual_seed(0)
    trained = trainable_retinaface(backbone).eval()
    state = trained.state_dict()
    ready = build_retinaface(backbone, state_dict=state, device=CPU)
    pictures = torch.rand(1, 3, SIZE, SIZE) * 255
    with torch.inference_mode():
        out = trained(prepared(pictures))
        answers = answer(ready, pictures)
    places = layout.anchors(SIZE, SIZE, layout.MIN_SIZES, layout.STEPS)
    boxes, landmarks = layout.decode(out[..., :4], out[..., 6:], *places, layout.VARIANCE)
    torch.testing.assert_close(answers.boxes, boxes)
    torch.testing.assert_close(answers.landmarks, landmarks)
    torch.testing.assert_close(answers.scores, out[..., 4:6].softmax(dim=-1)[..., 1])


def test_it_begins_with_the_starter_s_detector() -> None:
    network = making.network(recipe(start="starter-detector"))
    fresh = making.network(recipe())
    one, other = (n.state_dict()["ClassHead.0.conv1x1.weight"] for n in (network, fresh))
    assert network.training and not torch.equal(one, other)
    assert float(one.std()) > 2 * float(other.std())


@pytest.mark.parametrize(
    "changes", [{"network": "unet"}, {"params": {"backbone": "vgg"}}, {"params": {"depth": 3}}]
)
def test_impossible_networks_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DifFaceError) as raised:
        making.network(recipe(**changes))
    assert raised.value.hint


def test_no_folder_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="names no pictures"):
        making.objective(recipe())


def test_a_sheet_shows_what_was_found(detection: Detection) -> None:
    """A network that sees nothing draws nothing; one that is sure of a box draws it."""

    def blind(x: Tensor) -> Tensor:
        out = torch.zeros(len(x), len(detection.centres), 16)
        out[..., 4] = 9
        return out

    def sure(x: Tensor) -> Tensor:
        out = blind(x)
        out[:, 100, 5] = 30
        return out

    plain, marked = detection.sheet(blind), detection.sheet(sure)
    assert plain.shape == (3, 2 * SIZE, 6 * SIZE)
    assert float(plain.min()) >= 0 and float(plain.max()) <= 1
    green = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    count = int(((marked == green).all(dim=0) & ~(plain == green).all(dim=0)).sum())
    assert count > 12 * 4


def test_from_recipe_to_weights_a_detector_reads(portraits: Path, tmp_path: Path) -> None:
    """The whole way, with a picture of what it finds, and once more from the checkpoint."""
    path = tmp_path / "tiny.toml"
    path.write_text(
        f'network = "retinaface"\nsize = {SIZE}\nsteps = 2\nbatch = 2\nprecision = "bf16"\n'
        '[params]\nbackbone = "mobile0.25"\n[scenes]\ntilt = 80\nworn = 0.5\n'
        "[every]\nlog = 1\ncheckpoint = 1\nsheet = 2\n"
    )
    settings, out = recipes.read(path, "detector"), tmp_path / "out"
    assert settings.scenes.tilt == 80
    wishes = command.Wishes(data=(portraits,), device="cpu", minutes=0)
    said: list[str] = []
    assert command.run(settings, out, wishes, lambda report: said.extend(report.values)) == 1
    assert command.run(settings, out, replace(wishes, resume=True), lambda report: None) == 2
    assert {"loss", "class", "box", "landmarks"} <= set(said)
    state = read_tensors(out / "weights.safetensors", CPU)
    build_retinaface("mobile0.25", state_dict=state, device=CPU)
    assert [p.suffix for p in sorted((out / "sheets").iterdir())] == [".png", ".png"]


def test_groups_of_portraits_are_shown_as_evenly_as_the_recipe_says(portraits: Path) -> None:
    manifest = portraits / "manifest.json"
    entries = json.loads(manifest.read_text())
    for i, entry in enumerate(entries):
        entry["skin"] = "d" if i == 0 else "l"
    manifest.write_text(json.dumps(entries))
    data = Data(pictures=(portraits,), balance={"skin": {"l": 1, "d": 1}})
    made = making.objective(recipe(data=data))
    assert isinstance(made, Detection)
    np.testing.assert_allclose(made.shares[0] / made.shares.sum(), 0.5, atol=0.01)
