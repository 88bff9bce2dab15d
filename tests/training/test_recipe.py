from __future__ import annotations

from pathlib import Path

import pytest

from difface_cli.base.errors import RegistryError
from difface_cli.training import recipe as recipes
from difface_cli.training.recipe import Recipe
from tests.training.conftest import SRCNN


def read(tmp_path: Path, text: str, task: str = "estimator") -> Recipe:
    path = tmp_path / "r.toml"
    path.write_text(text)
    return recipes.read(path, task)


def test_what_is_not_said_is_the_papers_optimizer(tmp_path: Path) -> None:
    recipe = read(tmp_path, 'network = "srcnn"\nsteps = 10\n')
    assert (recipe.optimizer.name, recipe.optimizer.rate, recipe.batch) == ("adam", 1e-4, 16)


def test_folders_are_relative_to_the_file(tmp_path: Path) -> None:
    recipe = read(tmp_path, 'network = "srcnn"\nsteps = 10\n[data]\npictures = "p"\n')
    assert recipe.data.pictures == (tmp_path / "p",)


def test_several_folders_and_shares_of_groups(tmp_path: Path) -> None:
    data = '[data]\npictures = ["p", "q"]\n[data.balance]\nsex = { f = 1, m = 2 }\n'
    recipe = read(tmp_path, 'network = "srcnn"\nsteps = 10\n' + data)
    assert recipe.data.pictures == (tmp_path / "p", tmp_path / "q")
    assert recipe.data.balance == {"sex": {"f": 1, "m": 2}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('network = "srcnn"', "steps"),
        ('network = "srcnn"\nsteps = 10\nbatch = 10\naccumulate = 3', "accumulate"),
        ('network = "srcnn"\nsteps = 10\nspeed = 3', "speed"),
        ('network = "srcnn"\nsteps = 10\n[optimizer]\nname = "sgd"', "sgd"),
        ('network = "srcnn"\nsteps = 10\n[optimizer]\nbetas = [0.9]', "betas"),
        ('network = "srcnn"\nsteps = 10\n[optimizer]\nbetas = [0.9, 1]', "less than 1"),
        ('network = "srcnn"\nsteps = 10\n[goal.masks]\nbox = 0', "all 0"),
        (
            'network = "srcnn"\nsteps = 10\n[optimizer]\nbetas = [0.9, true]',
            "should be a number",
        ),
        ('network = "srcnn"\nsteps = 10\nchannels_last = 1', "channels_last"),
        ('network = "srcnn"\nsteps = 10\n[goal.masks]\ncircle = 1', "circle"),
        ('network = "u"\nsteps = 1\n[goal]\nloss = "simple+vlb"\npredicts = "x0"', "simple.vlb"),
        ('network = "srcnn"\nsteps = 10\n[data]\npictures = [1]', "pictures"),
        ('network = "srcnn"\nsteps = 10\n[data]\npictures = ""', "neither a folder nor a list"),
        ('network = "srcnn"\nsteps = 10\n[data]\npictures = 3', "pictures is 3 and should be"),
        ('network = "srcnn"\nsteps = 10\nfingerprint = "x"', "fingerprint is no key"),
        ('network = "srcnn"\nsteps = 10\n[data.balance]\nsex = { f = 0 }', "balance.sex"),
        ('network = "srcnn"\nsteps = 10\ntask = "prior"', "prior"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        read(tmp_path, text)


def test_fingerprint_follows_what_changes_the_result_and_nothing_else(tmp_path: Path) -> None:
    plain = read(tmp_path, SRCNN).fingerprint
    assert read(tmp_path, SRCNN + "\n[data]\nworkers = 3\npictures = 'x'").fingerprint == plain
    assert read(tmp_path, SRCNN.replace("log = 1", "log = 7")).fingerprint == plain
    assert read(tmp_path, SRCNN.replace("rate = 1e-2", "rate = 1e-3")).fingerprint != plain
    assert read(tmp_path, SRCNN + "\n[data]\ngray = 0.5").fingerprint != plain
    assert read(tmp_path, "seed = 1\n" + SRCNN).fingerprint != plain
