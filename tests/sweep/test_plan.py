"""A sweep's cells are what single restorations give, for the price of their network calls."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli import images, sweep
from difface_cli.base.errors import ImageError, UsageError
from difface_cli.base.progress import NoProgress
from difface_cli.faces.align import similarity
from difface_cli.method import difface
from difface_cli.method.denoiser import from_network
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.sweep import Cell, Plan, check, measure, reference_crop, shows, together
from difface_cli.tasks import Cut, Engine, Restore, Scene
from difface_cli.tasks.options import Options
from tests.tasks.test_restore import (
    SCHEDULE,
    SHA,
    SIZE,
    TWO,
    face_at,
    photo,
    ready,
    restore,
)

PLAN = Plan(n=(60, 150, 300), eta=(0.0, 0.7), seed=(0, 1, 5), estimator=("own",), steps=(2, 4))
METHOD = Settings()


class Watched:
    """A model that remembers what its prior was asked: (x_t, t of each picture)."""

    def __init__(self) -> None:
        self.calls: list[tuple[Tensor, Tensor]] = []
        self.estimates = 0

        def network(x: Tensor, t: Tensor) -> Tensor:
            self.calls.append((x.clone(), t))
            return x * (t[:, None, None, None] + 1) / 800

        def estimator(y: Tensor) -> Tensor:
            self.estimates += 1
            return y

        denoise = from_network(network, SCHEDULE)
        self.ready: Ready = replace(ready([]), denoise=denoise, estimator=estimator)


def run(
    plan: Plan,
    model: Ready,
    crop: Any = None,
    method: Settings = METHOD,
    **options: Any,
) -> dict[Cell, Any]:
    cut = face_cut() if crop is None else Cut(crop, np.eye(2, 3))
    estimates = {name: sweep.estimate(cut, model.estimator, model.device) for name in ("own",)}
    done = sweep.run(noise, estimates, plan.cells, model, method=method, **options)
    return {d.cell: d.face for d in done}


def noise(seed: int) -> int:
    """As the engine has it, of the face that lies nearest to the top left."""
    return difface.noise_seed(seed, SHA, 0)


def face_cut() -> Cut:
    before = photo()
    scene = Scene(before, before, SHA)
    return Engine(ready(TWO), Restore(), Options()).prepare(scene).cuts[0]


class TestPlan:
    """All combinations, checked before any work."""

    def test_a_cell_for_each_combination(self) -> None:
        assert len(PLAN.cells) == len(set(PLAN.cells)) == 36
        assert PLAN.varied == ("n", "eta", "seed", "steps")

    def test_the_models_own_steps_fall_with_a_small_n(self) -> None:
        plan = Plan(n=(20, 200), eta=(0.5,), seed=(0,), estimator=("own",), model_steps=50)
        assert [(cell.n, cell.steps) for cell in plan.cells] == [(20, 20), (200, 50)]
        assert plan.varied == ("n",)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"n": (100, 700)}, "N must be 0 to 600, not 700"),
            ({"n": (-1,)}, "N must be 0 to 600, not -1"),
            ({"eta": (0.5, 1.5)}, "eta must be 0 to 1, not 1.5"),
            ({"n": (300, 100), "steps": (200,)}, "steps must be 1 to N = 100, not 200"),
        ],
    )
    def test_what_cannot_be_run_is_named(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(UsageError, match=said):
            check(replace(PLAN, **change), Settings(), "starter", 600)


def test_each_cell_is_what_a_restoration_gives_to_the_last_bit() -> None:
    model = ready(TWO)
    faces = run(PLAN, model)
    assert len(faces) == 36
    for cell in (PLAN.cells[0], PLAN.cells[7], PLAN.cells[-1]):
        options = Options(settings=Settings(n=cell.n, steps=cell.steps, eta=cell.eta))
        alone = restore(photo(), model, replace(options, seed=cell.seed, faces="0"))
        assert np.array_equal(faces[cell], alone.crops[0].restored[0])
    assert len({face.tobytes() for face in faces.values()}) == 36


def test_the_work_is_the_networks_calls_and_nothing_twice() -> None:
    watched = Watched()
    run(PLAN, watched.ready)
    assert watched.estimates == 1
    assert len(watched.calls) == sum(cell.steps for cell in PLAN.cells)
    assert all(len(x) == 1 for x, _ in watched.calls)


def test_seeds_share_a_call_where_batches_pay() -> None:
    one, many = Watched(), Watched()
    alone, together = run(PLAN, one.ready), run(PLAN, many.ready, batch=3)
    assert len(many.calls) == len(one.calls) // 3
    for cell, face in alone.items():
        np.testing.assert_allclose(together[cell], face, atol=1e-6)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
@pytest.mark.parametrize(("batch", "sizes"), [(12, [12]), (20, [12]), (5, [5, 5, 2])])
def test_n_and_seeds_share_calls(sampler: str, batch: int, sizes: list[int]) -> None:
    plan = Plan(n=(60, 150, 201, 300), eta=(0.5,), seed=(0, 1, 5), estimator=("own",), steps=(4,))
    one, many = Watched(), Watched()
    alone, together = (
        run(plan, one.ready, method=Settings(sampler=sampler)),
        run(plan, many.ready, method=Settings(sampler=sampler), batch=batch),
    )
    assert len(one.calls) == 4 * 12
    assert [len(x) for x, _ in many.calls] == [size for size in sizes for _ in range(4)]
    assert list(together) == list(alone)
    for cell, face in alone.items():
        assert np.array_equal(together[cell], face)
    assert len({face.tobytes() for face in alone.values()}) == 12


def test_cells_go_together_that_take_as_many_steps() -> None:
    found = together(PLAN.cells)
    assert sorted(cell for part in found for cell in part) == sorted(PLAN.cells)
    assert [len(part) for part in found] == [18] * 2
    assert all(len({cell.steps for cell in part}) == 1 for part in found)


def test_steps_are_counted_once_for_all_chains_of_a_batch() -> None:
    counted: list[tuple[str, int]] = []

    class Counting(NoProgress):
        def steps(self, iterable: Any, total: int, label: str) -> Any:
            for item in iterable:
                yield item
                counted.append((label, total))

    run(replace(PLAN, steps=(4,)), Watched().ready, batch=9, progress=Counting())
    assert counted == ([("step", 4)] * 4 + [("batch", 2)]) * 2


def test_a_seed_draws_the_same_noise_for_every_n() -> None:
    plan = Plan(n=(60, 150, 300), eta=(0.5,), seed=(0, 1), estimator=("own",), steps=(1,))
    watched = Watched()
    crop = face_cut().face
    run(plan, watched.ready, crop=crop)
    x0 = 2 * torch.from_numpy(crop).permute(2, 0, 1) - 1
    noises: dict[int, list[Tensor]] = {0: [], 1: []}
    for cell, (x, _) in zip(plan.cells, watched.calls, strict=True):
        a = SCHEDULE.alpha_bar[cell.n]
        noises[cell.seed].append((x[0] - math.sqrt(a) * x0) / math.sqrt(1 - a))
    for drawn in noises.values():
        for noise in drawn[1:]:
            torch.testing.assert_close(noise, drawn[0], atol=1e-4, rtol=0)
    assert (noises[0][0] - noises[1][0]).abs().mean() > 0.5


def test_estimators_start_from_their_own_estimate() -> None:
    plan = Plan(n=(100,), eta=(0.0,), seed=(0,), estimator=("dark", "light"), steps=(3,))
    flat = {"dark": 0.2, "light": 0.7}
    estimates = {name: np.full((SIZE, SIZE, 3), v, np.float32) for name, v in flat.items()}
    done = list(sweep.run(noise, estimates, plan.cells, ready([]), method=Settings()))
    means = {d.cell.estimator: float(d.face.mean()) for d in done}
    assert means["dark"] < 0.35 < 0.55 < means["light"]


class TestMeasures:
    """Fidelity with and without a reference."""

    def test_without_a_reference_the_input_stands_in(self) -> None:
        crop = face_cut().face
        measured = measure(crop, crop, None, shows(SIZE, aligned=False))
        assert set(measured) == {"distance", "sharpness"}
        assert measured["distance"] == 0

    def test_a_reference_is_what_psnr_and_ssim_are_of(self) -> None:
        crop = face_cut().face
        measured = measure(crop, 1 - crop, crop, shows(SIZE, aligned=True))
        assert measured["psnr"] == 100
        assert measured["ssim"] == pytest.approx(1)
        assert measured["distance"] > 50
        assert set(measured) <= set(sweep.MEASURES)

    def test_a_larger_reference_shows_the_same_face(self) -> None:
        y, x = np.mgrid[:120, :160] / 160
        picture = np.stack([x, y, x * y], axis=2)
        small = images.Photo((picture * 255).astype(np.uint8))
        face = face_at(10, 10, 80)
        direct = Restore().cut(Scene(small, small, SHA), similarity(face.landmarks, SIZE), SIZE)
        cut = reference_crop(images.upscale(small, 2), small, direct)
        np.testing.assert_allclose(cut, direct.face, atol=0.01)

    def test_a_reference_of_another_shape_is_refused(self) -> None:
        with pytest.raises(ImageError, match="160x100"):
            reference_crop(photo(100, 160), photo(), face_cut())

    def test_the_face_shows_within_the_oval_that_is_pasted(self) -> None:
        weight = shows(SIZE, aligned=False)
        assert weight[0, 0] == 0
        assert weight[SIZE // 2, SIZE // 2] == 1
        assert shows(SIZE, aligned=True).min() == 1
