"""Grid, variation and plot of cells whose faces are known."""

from __future__ import annotations

import io
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from difface_cli.base.errors import UsageError
from difface_cli.sweep import Done, Plan, measure
from difface_cli.sweep import pictures as sweep_pictures
from difface_cli.sweep.folder import SweepFolder
from difface_cli.sweep.pictures import Layout, Swept, layout
from difface_cli.weights.registry import Model
from tests.report.test_grids import where

SIZE = 40
WEIGHT = np.ones((SIZE, SIZE), np.float32)
MODEL = Model("tiny", "restore", MappingProxyType({}), image_size=SIZE, n=200, eta=0.5)
PLAN = Plan(n=(100, 200), eta=(0.0, 0.5), seed=(0, 1), estimator=("own",), steps=(4,))


def flat(*colour: float) -> Any:
    return np.full((SIZE, SIZE, 3), colour, np.float32)


def colour(cell: Any) -> tuple[float, float, float]:
    """Red tells N, green eta, blue the seed."""
    return cell.n / 500, cell.eta / 2 + 0.1, 0.4 + 0.2 * cell.seed


def swept(folder: Path, plan: Plan = PLAN, gray: bool = False, reference: Any = None) -> Swept:
    store = SweepFolder(folder, {}, dict.fromkeys(plan.estimator, ""))
    cells = [store.put(0, Done(c, flat(*colour(c)), 1.0), flat(*colour(c))) for c in plan.cells]
    faces: dict[Any, Any] = {stored.cell: stored.face() for stored in cells}
    estimates = {name: flat(0.9, 0.1 * k, 0.5) for k, name in enumerate(plan.estimator)}
    faces |= {"input": flat(1, 0, 1)} | {f"estimate {k}": v for k, v in estimates.items()}
    if reference is not None:
        faces["reference"] = reference
    metrics = {key: measure(face, flat(1, 0, 1), reference, WEIGHT) for key, face in faces.items()}
    return Swept(0, flat(1, 0, 1), estimates, reference, tuple(cells), metrics, gray)


class TestLayout:
    """Which axis goes where."""

    def test_n_runs_across_and_the_rest_down(self) -> None:
        assert layout(PLAN) == Layout(("eta", "seed"), ("n",))

    def test_as_asked_for_and_nothing_is_lost(self) -> None:
        assert layout(PLAN, ("n",), ("eta",)) == Layout(("n", "seed"), ("eta",))
        assert layout(PLAN, ("n",)) == Layout(("n", "seed"), ("eta",))
        assert layout(PLAN, (), ("seed", "n")) == Layout(("eta",), ("seed", "n"))

    def test_a_single_cell_needs_no_axis(self) -> None:
        one = Plan(n=(1,), eta=(0,), seed=(0,), estimator=("own",))
        assert layout(one) == Layout((), ())

    @pytest.mark.parametrize("rows", [("colour",), ("n", "n")])
    def test_wrong_axes_are_refused(self, rows: tuple[str, ...]) -> None:
        with pytest.raises(UsageError, match="--rows and --cols"):
            layout(PLAN, rows)


class TestGrid:
    """Every cell stands in its row and column, input and estimate in front."""

    def test_cells_are_in_place(self, tmp_path: Path) -> None:
        made = swept(tmp_path)
        sheet = sweep_pictures.grid(made, PLAN, Layout(("eta", "seed"), ("n",)), MODEL)
        at = {cell: where(sheet, *colour(cell)) for cell in PLAN.cells}
        assert {count for *_, count in at.values()} == {SIZE * SIZE}
        for one in PLAN.cells:
            for other in PLAN.cells:
                same_row = (one.eta, one.seed) == (other.eta, other.seed)
                assert (at[one][0] == at[other][0]) == (one.n == other.n)
                assert (at[one][1] == at[other][1]) == same_row
        first = where(sheet, 1, 0, 1), where(sheet, 0.9, 0, 0.5)
        assert first[0][0] < first[1][0] < min(x for x, *_ in at.values())
        assert first[0][1] == at[PLAN.cells[0]][1]

    def test_a_reference_stands_beside_the_input(self, tmp_path: Path) -> None:
        made = swept(tmp_path, reference=flat(0.0, 0.9, 0.3))
        sheet = sweep_pictures.grid(made, PLAN, Layout(("eta", "seed"), ("n",)), MODEL)
        xs = [where(sheet, *c)[0] for c in ((1, 0, 1), (0, 0.9, 0.3), (0.9, 0, 0.5))]
        assert xs == sorted(xs)

    def test_axes_can_be_turned(self, tmp_path: Path) -> None:
        made = swept(tmp_path)
        sheet = sweep_pictures.grid(made, PLAN, Layout(("n",), ("seed", "eta")), MODEL)
        at = {cell: where(sheet, *colour(cell)) for cell in PLAN.cells}
        assert len({x for x, *_ in at.values()}) == 4
        assert len({y for _, y, _ in at.values()}) == 2

    def test_only_the_models_own_n_and_eta_are_framed(self, tmp_path: Path) -> None:
        plan = Plan(n=(100, 200), eta=(0.5,), seed=(0,), estimator=("own",), steps=(4,))
        sheet = sweep_pictures.grid(swept(tmp_path, plan), plan, Layout((), ("n",)), MODEL)
        x, *_ = where(sheet, *colour(plan.cells[1]))
        columns = np.nonzero((sheet == (0x0A, 0x8F, 0x3C)).all(axis=2))[1]
        assert abs(columns.mean() - x) < 1
        assert abs(columns - x).max() < SIZE

    def test_each_estimator_has_its_estimate(self, tmp_path: Path) -> None:
        plan = Plan(n=(100,), eta=(0.5,), seed=(0,), estimator=("a", "b"), steps=(4,))
        made = swept(tmp_path, plan)
        down = sweep_pictures.grid(made, plan, Layout(("estimator",), ()), MODEL)
        a, b = where(down, 0.9, 0.0, 0.5), where(down, 0.9, 0.1, 0.5)
        assert (a[0], a[2]) == (b[0], b[2])
        assert a[1] < b[1]
        across = sweep_pictures.grid(made, plan, Layout((), ("estimator",)), MODEL)
        a, b = where(across, 0.9, 0.0, 0.5), where(across, 0.9, 0.1, 0.5)
        assert a[1] == b[1]
        assert a[0] < b[0]

    def test_grey_photos_show_grey_cells(self, tmp_path: Path) -> None:
        made = swept(tmp_path, gray=True)
        sheet = sweep_pictures.grid(made, PLAN, Layout(("eta", "seed"), ("n",)), MODEL)
        coloured = np.ptp(sheet.astype(int), axis=2) > 2
        frames = (sheet == (0x0A, 0x8F, 0x3C)).all(axis=2)
        assert not (coloured & ~frames).any()


class TestVariation:
    """What the seeds draw differently."""

    def test_a_group_for_each_choice_but_the_seed(self, tmp_path: Path) -> None:
        made = swept(tmp_path)
        varied = sweep_pictures.variations(made, tmp_path / "variation", WEIGHT)
        assert [(v.values["n"], v.values["eta"]) for v in varied] == [
            (100, 0.0), (200, 0.0), (100, 0.5), (200, 0.5)
        ]  # fmt: skip
        # Two seeds, 0.2 apart in one channel of three: 0.2/√2/√3 of white.
        assert varied[0].level == pytest.approx(255 * 0.2 / 6**0.5, rel=1e-4)
        mean = np.asarray(Image.open(varied[0].mean))[0, 0]
        assert np.abs(mean - np.array([0.2, 0.1, 0.5]) * 255).max() <= 1
        assert np.ptp(np.asarray(Image.open(varied[0].map)), axis=(0, 1)).max() == 0

    def test_the_picture_shows_every_mean_above_its_map(self, tmp_path: Path) -> None:
        made = swept(tmp_path)
        varied = sweep_pictures.variations(made, tmp_path / "variation", WEIGHT)
        where_to = Layout(("eta", "seed"), ("n",))
        sheet = sweep_pictures.variation_grid(made, PLAN, where_to, varied, MODEL)
        for v in varied:
            mean = np.asarray(Image.open(v.mean))[0, 0] / 255
            heat = np.asarray(Image.open(v.map))[0, 0] / 255
            assert where(sheet, *mean)[2] == SIZE * SIZE
            assert where(sheet, *heat)[2] >= SIZE * SIZE

    def test_a_single_seed_does_not_vary(self, tmp_path: Path) -> None:
        plan = Plan(n=(100, 200), eta=(0.0,), seed=(3,), estimator=("own",), steps=(4,))
        made = swept(tmp_path, plan)
        assert sweep_pictures.variations(made, tmp_path / "variation", WEIGHT) == []
        assert not (tmp_path / "variation").exists()


ONE = Plan(n=(100,), eta=(0.0,), seed=(0,), estimator=("own",), steps=(4,))
MANY = Plan(n=(100,), eta=(0.0, 1.0), seed=(0, 1), estimator=("a", "b"), steps=(2, 4))


@pytest.mark.parametrize(("plan", "reference"), [(ONE, None), (MANY, flat(0.5, 0.5, 0.5))])
def test_the_plot_has_a_panel_for_each_measure_and_one_for_both(
    tmp_path: Path, plan: Plan, reference: Any
) -> None:
    made = swept(tmp_path, plan, reference=reference)
    picture = Image.open(io.BytesIO(sweep_pictures.plot(made, plan, MODEL)))
    panels = 3 if reference is None else 4
    assert picture.width == pytest.approx(panels * 528, abs=2)
    drawn = np.asarray(picture.convert("RGB"))
    assert ((drawn == (0x00, 0x72, 0xB2)).all(axis=2)).sum() > 50
