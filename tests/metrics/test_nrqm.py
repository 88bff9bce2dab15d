"""NRQM and PI: what is ours of them without pyiqa, and where it is installed, all of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from difface_cli.base.errors import UsageError, WeightsInvalid
from difface_cli.metrics import nrqm
from tests.metrics.forests import LINEAR, natural_arrays, stand_in, write_forest

CPU = torch.device("cpu")
NOISE = np.random.default_rng(0).random((104, 200, 3), dtype=np.float32)


@pytest.fixture
def pyiqa(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return stand_in(monkeypatch)


def test_the_perceptual_index_of_its_paper() -> None:
    """Best for the best NRQM and NIQE there are, and a step of either is half a step of it."""
    assert nrqm.perceptual_index(nrqm=10, niqe=0) == 0
    assert nrqm.perceptual_index(nrqm=9, niqe=0) == 0.5
    assert nrqm.perceptual_index(nrqm=10, niqe=1) == 0.5
    assert nrqm.perceptual_index(nrqm=8.5, niqe=4) == 2.75


def test_without_pyiqa_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(UsageError, match="need the library pyiqa") as told:
        nrqm.build_nrqm(Path("forest.mat"), CPU)
    assert "non-commercial" in told.value.hint


def test_a_pyiqa_that_cannot_be_imported_is_told(
    monkeypatch: pytest.MonkeyPatch, pyiqa: ModuleType
) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa.archs.niqe_arch", None)
    with pytest.raises(UsageError, match="installed and cannot be imported") as told:
        nrqm.version()
    assert "pyiqa.archs.niqe_arch" in told.value.hint


def test_pi_is_asked_of_pyiqa_as_it_defines_it(pyiqa: ModuleType) -> None:
    given = natural_arrays()
    rate = nrqm.build_pi(Path("forest.mat"), given, CPU)
    of_nrqm, of_niqe = pyiqa.made
    assert of_nrqm.file == "forest.mat"
    assert of_nrqm.options == of_niqe.options == {"crop_border": 4, "color_space": "ycbcr"}
    mean, covariance, _ = given.values()
    np.testing.assert_array_equal(of_niqe.parameters_read["mu_prisparam"], mean)
    np.testing.assert_array_equal(of_niqe.parameters_read["cov_prisparam"], covariance)
    expected = ((10 - 10 * float(NOISE.mean())) + 3.25) / 2
    assert rate(NOISE) == pytest.approx(expected)


def test_small_pictures_have_no_value(pyiqa: ModuleType) -> None:
    rate = nrqm.build_nrqm(Path("forest.mat"), CPU)
    assert pyiqa.made[-1].options == {}
    assert rate(NOISE[:84, :84]) == pytest.approx(10 * float(NOISE[:84, :84].mean()))
    assert rate(NOISE[:83]) is None
    assert rate(NOISE[:, :83]) is None
    pi = nrqm.build_pi(Path("forest.mat"), natural_arrays(), CPU)
    assert pi(NOISE) is not None  # two blocks of 96 pixels, and the border
    assert pi(NOISE[:103]) is None
    assert pi(NOISE[:, :199]) is None


def test_pictures_without_statistics_have_no_value(
    monkeypatch: pytest.MonkeyPatch, pyiqa: ModuleType
) -> None:
    rate = nrqm.build_nrqm(Path("forest.mat"), CPU)
    assert rate(NOISE / 1000 + 0.5) is None  # the luma is 128 everywhere
    forward = type(pyiqa.made[-1])
    monkeypatch.setattr(forward, "forward", lambda self, x: torch.tensor(float("nan")))
    assert rate(NOISE) is None
    monkeypatch.setattr(forward, "forward", lambda self, x: torch.linalg.inv(torch.zeros(2, 2)))
    assert rate(NOISE) is None


def test_a_forest_of_other_features_is_refused(
    monkeypatch: pytest.MonkeyPatch, pyiqa: ModuleType
) -> None:
    rate = nrqm.build_nrqm(Path("forest.mat"), CPU)
    monkeypatch.setattr(type(pyiqa.made[-1]), "forward", lambda self, x: [][0])
    with pytest.raises(WeightsInvalid, match="no forest"):
        rate(NOISE)
    with pytest.raises(WeightsInvalid, match=r"forest\.mat holds no forest"):
        nrqm.build_nrqm(Path("forest.mat"), CPU)


def batch(picture: Any) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def test_what_the_forests_say_is_added_up(tmp_path: Path) -> None:
    pytest.importorskip("pyiqa")
    write_forest(tmp_path / "forest.mat", (1.0, 2.0, 0.5))
    rate = nrqm.build_nrqm(tmp_path / "forest.mat", CPU)
    expected = LINEAR[0] + 1.0 * LINEAR[1] + 2.0 * LINEAR[2] + 0.5 * LINEAR[3]
    assert rate(NOISE[:, :104]) == pytest.approx(expected)
    assert rate(np.full((104, 104, 3), 0.5, np.float32)) is None
    write_forest(tmp_path / "forest.mat", (1.0, 2.0, 0.5), split=-np.inf)
    rate = nrqm.build_nrqm(tmp_path / "forest.mat", CPU)
    assert rate(NOISE[:, :104]) == pytest.approx(LINEAR[0])


def test_nrqm_and_pi_are_pyiqas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyiqa = pytest.importorskip("pyiqa")
    from pyiqa.archs import niqe_arch, nrqm_arch

    given = natural_arrays()
    forest, statistics = tmp_path / "forest.mat", tmp_path / "statistics.mat"
    write_forest(forest, (1.0, 2.0, 0.5), split=0.2)
    savemat(statistics, {"mu_prisparam": given["mu_pris_param"],
                         "cov_prisparam": given["cov_pris_param"]})  # fmt: skip
    monkeypatch.setattr(nrqm_arch, "load_file_from_url", lambda url: str(forest))
    monkeypatch.setattr(niqe_arch, "load_file_from_url", lambda url: str(statistics))
    theirs, their_pi = (pyiqa.create_metric(name, device=CPU) for name in ("nrqm", "pi"))
    assert nrqm.build_nrqm(forest, CPU)(NOISE) == float(theirs(batch(NOISE)))
    assert nrqm.build_pi(forest, given, CPU)(NOISE) == pytest.approx(float(their_pi(batch(NOISE))))


@pytest.mark.parametrize("content", [b"", b"no file of MATLAB" * 40, b"MATLAB 5.0 MAT-file"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("pyiqa")
    (tmp_path / "forest.mat").write_bytes(content)
    with pytest.raises(WeightsInvalid, match="holds no forest"):
        nrqm.build_nrqm(tmp_path / "forest.mat", CPU)
