"""Choices, their ranges, and which faces they mean."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from difface_cli.base.errors import FaceError, UsageError
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.method.difface import Settings
from difface_cli.tasks.options import Options, check, choose, parse_choice, settings
from difface_cli.weights.registry import Model

QUICK = Options(settings=Settings(n=200, steps=3))


def face_at(x: float, y: float, size: float) -> Face:
    """A face whose box has its corner at (x, y)."""
    return Face((x, y, x + size, y + size), FFHQ_TEMPLATE_512 * size / 512 + (x, y), 0.9)


TWO = [face_at(10, 10, 80), face_at(90, 40, 50)]


class TestChoice:
    """Which faces are meant."""

    def test_by_word_and_number(self) -> None:
        faces = [face_at(0, 0, 90), face_at(60, 30, 50), face_at(120, 80, 40)]
        assert choose(faces, "all", 160, 120) == {0, 1, 2}
        assert choose(faces, "largest", 160, 120) == {0}
        assert choose(faces, "center", 160, 120) == {1}
        assert choose(faces, "2, 0", 160, 120) == {0, 2}
        for word in ("all", "largest", "center"):
            assert choose([], word, 160, 120) == set()

    def test_an_absent_face_is_named_with_those_there_are(self) -> None:
        with pytest.raises(FaceError, match=r"no face 2.*0 to 1"):
            choose(TWO, "0,2", 160, 120)
        with pytest.raises(FaceError, match="none"):
            choose([], "0", 160, 120)

    @pytest.mark.parametrize("choice", ["", "first", "0,", "-1", "0;1", "1.5", "²"])
    def test_anything_else_is_refused(self, choice: str) -> None:
        with pytest.raises(UsageError, match="--faces"):
            parse_choice(choice)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (replace(QUICK, settings=Settings(n=601)), "N must be 0 to 600"),
        (replace(QUICK, settings=Settings(n=10, steps=11)), "steps"),
        (replace(QUICK, settings=Settings(eta=2)), "eta"),
        (replace(QUICK, samples=0), "samples"),
        (replace(QUICK, strength=1.5), "strength"),
        (replace(QUICK, upscale=3), "upscale"),
        (replace(QUICK, min_face=-1), "min-face"),
        (replace(QUICK, batch=-1), "batch"),
        (replace(QUICK, faces="x"), "faces"),
    ],
)
def test_options_out_of_range_are_named(options: Options, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        check(options, "tiny", 600)


class TestSettings:
    """What the user leaves out is the model's; --fast is a sampler and its steps."""

    MODEL = Model("m", "restore", MappingProxyType({}), n=300, steps=40, eta=0.25)

    def test_the_models_own_where_the_user_names_none(self) -> None:
        assert settings(self.MODEL, None, None, None, None) == Settings(300, 40, 0.25, "ddim")
        assert settings(self.MODEL, 20, None, 1.0, "ddpm") == Settings(20, 20, 1.0, "ddpm")

    def test_a_models_steps_are_for_its_own_sampler(self) -> None:
        quick = replace(self.MODEL, sampler="dpm++", steps=8)
        assert settings(quick, None, None, None, None) == Settings(300, 8, 0.25, "dpm++")
        assert settings(quick, None, 100, None, None) == Settings(300, 100, 0.25, "ddim")
        assert settings(quick, None, None, None, "ddim").steps == 20
        assert settings(quick, None, None, None, None, fast=True).steps == 8

    def test_a_models_guidance_goes_with_its_own_sampler(self) -> None:
        clear = replace(self.MODEL, sampler="dpm++", steps=8, guidance=2.0)
        assert settings(clear, None, None, None, None).guidance == 2
        assert settings(clear, None, None, None, None, fast=True).guidance == 2
        assert settings(clear, None, 100, 0.5, None).guidance == 0  # the paper's method
        assert settings(clear, None, None, None, "ddim").guidance == 0
        assert settings(clear, None, 100, None, None, 1.5).guidance == 1.5
        with pytest.raises(UsageError, match="guidance must be 0 to 10"):
            check(Options(settings=Settings(n=200, steps=3, guidance=11)), "m", 999)

    def test_fast_is_few_steps_of_second_order(self) -> None:
        fast = settings(self.MODEL, None, None, None, None, fast=True)
        assert fast == Settings(300, 10, 0.25, "dpm++")
        assert settings(self.MODEL, 6, None, None, "dpm++", fast=True).steps == 6

    def test_a_named_number_of_steps_wins(self) -> None:
        assert settings(self.MODEL, None, 15, 0.0, None, fast=True) == Settings(
            300, 15, 0.0, "dpm++"
        )

    def test_another_sampler_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"--fast runs dpm\+\+.*says ddim"):
            settings(self.MODEL, None, None, None, "ddim", fast=True)
