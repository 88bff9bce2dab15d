"""From photo to photo with networks that know the truth; no weights are needed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from difface_cli import images
from difface_cli.base.errors import DeviceError, ImageError
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.method.denoiser import Denoised, eps_from_x0
from difface_cli.method.difface import Settings
from difface_cli.method.schedule import linear
from difface_cli.models import Ready
from difface_cli.tasks import Engine, Restore, Result, Scene, preparing
from difface_cli.tasks.options import Options
from difface_cli.trust import gate
from difface_cli.weights.registry import Model

SIZE = 64
SHA = "ab" * 32  # of the photo's file
SCHEDULE = linear()
QUICK = Options(settings=Settings(n=200, steps=3))


def face_at(x: float, y: float, size: float) -> Face:
    """A face whose aligned square has its corner at (x, y)."""
    landmarks = FFHQ_TEMPLATE_512 * size / 512 + (x, y)
    box = (x + 0.2 * size, y + 0.2 * size, x + 0.8 * size, y + 0.9 * size)
    return Face(box, landmarks, 0.9)


@dataclass(frozen=True)
class Eyes:
    """A detector that sees these faces in a photo, and `drawn` where it looks for one again."""

    faces: Sequence[Face]
    drawn: Face | None = None

    def __call__(self, rgb: Any) -> list[Face]:
        return list(self.faces)

    def again(self, rgb: Any, landmarks: Any) -> Face | None:
        return self.drawn


def ready(faces: list[Face], drawn: float | None = None) -> Ready:
    """A model whose prior draws a flat grey face, or the estimate itself."""
    model = Model("tiny", "restore", MappingProxyType({}), image_size=SIZE, n=200, steps=3)

    def denoise(x: Tensor, t: int) -> Denoised:
        a = SCHEDULE.alpha_bar[t]
        x0 = torch.full_like(x, 2 * drawn - 1) if drawn is not None else (x / a**0.5).clamp(-1, 1)
        return Denoised(x0, eps_from_x0(x, x0, a))

    detector: Any = Eyes(faces, face_at(0, 0, SIZE))
    return Ready(
        model, lambda y: y, denoise, denoise, SCHEDULE, detector, None, None,
        torch.device("cpu"), torch.float32, MappingProxyType({}),
    )  # fmt: skip


def photo(height: int = 120, width: int = 160, dtype: Any = np.uint8, channels: int = 3) -> Photo:
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    return Photo(rng.integers(0, top, (height, width, channels), dtype=dtype, endpoint=True))


def restore(before: Photo, model: Ready, options: Options) -> Result:
    """The photo through the engine."""
    return Engine(model, Restore(), options).run(Scene(before, before, SHA))


TWO = [face_at(10, 10, 80), face_at(90, 40, 50)]


def changed(before: Photo, after: Photo) -> np.ndarray[Any, Any]:
    return np.any(before.pixels != after.pixels, axis=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_only_faces_change_and_the_rest_is_bit_exact(dtype: Any, channels: int) -> None:
    before = photo(dtype=dtype, channels=channels)
    result = restore(before, ready(TWO, drawn=0.5), QUICK)
    (after,) = result.photos
    assert after.pixels.dtype == dtype
    assert after.pixels.shape == before.pixels.shape
    outside = np.ones(before.pixels.shape[:2], bool)
    for face in TWO:
        x0, y0, x1, y1 = (round(v) for v in face.box)
        pad = round(0.2 * (x1 - x0) / 0.6)
        outside[max(0, y0 - pad) : y1 + pad, max(0, x0 - pad) : x1 + pad] = False
    difference = changed(before, after)
    assert not difference[outside].any()
    assert difference[50, 50]
    assert difference[65, 115]


def test_a_photo_without_faces_comes_back_itself() -> None:
    before = photo()
    result = restore(before, ready([]), QUICK)
    assert result.photos[0] is before
    assert result.faces == ()
    doubled = restore(before, ready([]), replace(QUICK, upscale=2)).photos[0]
    assert (doubled.width, doubled.height) == (320, 240)


def test_strength_zero_leaves_the_photo_alone() -> None:
    before = photo()
    after = restore(before, ready(TWO, drawn=0.1), replace(QUICK, strength=0.0)).photos[0]
    assert np.array_equal(after.pixels, before.pixels)


def test_samples_differ_and_are_what_each_seed_gives_alone() -> None:
    before = photo()
    three = restore(before, ready(TWO), replace(QUICK, samples=3))
    one = restore(before, ready(TWO), QUICK)
    assert len(three.photos) == 3
    assert np.array_equal(three.photos[0].pixels, one.photos[0].pixels)
    assert changed(three.photos[0], three.photos[1]).any()
    assert [len(found.seeds) for found in three.faces] == [3, 3]


def test_a_face_does_not_depend_on_which_others_are_restored() -> None:
    before = photo()
    both = restore(before, ready(TWO), QUICK)
    second = restore(before, ready(TWO), replace(QUICK, faces="1"))
    swapped = restore(before, ready(TWO[::-1]), QUICK)
    assert np.array_equal(both.crops[1].restored[0], second.crops[0].restored[0])
    assert np.array_equal(both.crops[1].restored[0], swapped.crops[0].restored[0])
    assert second.faces[0].skipped == "not chosen"


def test_batches_give_what_single_faces_give() -> None:
    a = restore(photo(), ready(TWO), replace(QUICK, samples=2, batch=1))
    b = restore(photo(), ready(TWO), replace(QUICK, samples=2, batch=3))
    for one, many in zip(a.crops, b.crops, strict=True):
        np.testing.assert_allclose(one.restored, many.restored, atol=1e-5)


class TestGray:
    """Grey photos stay grey unless the user wants otherwise."""

    def gray_photo(self) -> Photo:
        return Photo(np.repeat(photo(channels=1).pixels, 3, axis=2))

    def colourful(self, option: str, before: Photo) -> bool:
        model = ready(TWO)
        tint = torch.tensor([0.9, 0.4, 0.2]).view(1, 3, 1, 1)
        model = replace(model, estimator=lambda y: y * 0 + tint)
        after = restore(before, model, replace(QUICK, gray=option)).photos[0]
        return after.pixels.shape[2] == 3 and bool(np.ptp(after.pixels, axis=2).max() > 20)

    def test_auto_follows_the_photo(self) -> None:
        assert not self.colourful("auto", self.gray_photo())
        assert not self.colourful("auto", photo(channels=1))
        assert self.colourful("auto", photo())

    def test_off_lets_colour_in_even_into_a_grey_file(self) -> None:
        assert self.colourful("off", self.gray_photo())
        assert self.colourful("off", photo(channels=1))

    def test_on_takes_the_faces_colour(self) -> None:
        flat = Photo(np.full((120, 160, 3), 128, np.uint8))
        assert not self.colourful("on", flat)


class TestAligned:
    """A picture that is one aligned face."""

    def test_it_is_restored_whole_without_a_detector(self) -> None:
        model = replace(ready([], drawn=0.25), detector=None)
        after = restore(photo(SIZE, SIZE), model, replace(QUICK, aligned=True)).photos[0]
        assert after.pixels.shape == (SIZE, SIZE, 3)
        assert np.abs(after.pixels.astype(int) - round(0.25 * 255)).max() <= 1

    @pytest.mark.parametrize(("side", "out"), [(32, 64), (64, 64), (100, 100)])
    def test_a_small_face_comes_out_at_the_models_size(self, side: int, out: int) -> None:
        after = restore(photo(side, side), ready([]), replace(QUICK, aligned=True)).photos[0]
        assert (after.width, after.height) == (out, out)

    def test_another_shape_is_an_error_that_names_it(self) -> None:
        with pytest.raises(ImageError, match="160x120"):
            restore(photo(), ready([]), replace(QUICK, aligned=True))


def test_small_faces_are_left_alone_with_the_reason() -> None:
    found = preparing.find(photo(), ready(TWO), Restore(), replace(QUICK, min_face=40))
    assert [bool(f.skipped) for f in found] == [False, True]
    assert "30 px wide" in found[1].skipped


def test_upscaling_enlarges_photo_and_faces() -> None:
    result = restore(photo(), ready(TWO, drawn=0.5), replace(QUICK, upscale=2))
    after = result.photos[0]
    assert (after.width, after.height) == (320, 240)
    lanczos = images.upscale(photo(), 2)
    assert changed(lanczos, after)[100, 100]
    assert not changed(lanczos, after)[230, 10]


def test_stages_are_timed() -> None:
    seconds = restore(photo(), ready(TWO), QUICK).seconds
    stages = {"detect", "align", "estimate", "denoise", "judge", "enlarge", "paste"}
    assert set(seconds) == stages
    assert all(value >= 0 for value in seconds.values())


class TestGate:
    """What is left alone before and after drawing, with networks that draw a flat grey face."""

    on = replace(QUICK, gate="on")

    @pytest.fixture(autouse=True)
    def _after_the_estimate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What estimates tell is tested elsewhere; here the estimator gives back what it sees."""
        monkeypatch.setattr(gate, "estimated", lambda *_: "")

    def test_a_face_that_leaves_the_photo_is_not_even_drawn(self) -> None:
        cut = face_at(-45, 10, 80)
        result = restore(photo(), ready([cut], drawn=0.5), self.on)
        (found,) = result.faces
        assert "inside the picture" in found.skipped
        assert (found.seeds, found.trust, result.crops) == ((), None, ())
        assert not restore(photo(), ready([cut], drawn=0.5), QUICK).faces[0].skipped

    def test_a_turned_face_is_left_alone_and_force_says_why_not(self) -> None:
        turned = face_at(20, 20, 80)
        turned.landmarks[2] += (30, 0)
        (found,) = restore(photo(), ready([turned]), self.on).faces
        assert "turned to the side" in found.skipped
        forced = restore(photo(), ready([turned]), replace(QUICK, gate="force"))
        assert not forced.faces[0].skipped
        assert "turned to the side" in forced.faces[0].doubt
        assert len(forced.crops) == 1

    def test_a_drawn_face_in_which_none_is_found_is_not_taken(self) -> None:
        blind: Any = Eyes(TWO[:1], None)
        model = replace(ready([], drawn=0.5), detector=blind)
        (found,) = restore(photo(), model, self.on).faces
        assert found.skipped == "no face was found in what was drawn"

    def test_trust_draws_further_samples_and_pastes_none_of_them(self) -> None:
        one = restore(photo(), ready(TWO), QUICK)
        several = restore(photo(), ready(TWO), replace(QUICK, trust=3))
        assert np.array_equal(one.photos[0].pixels, several.photos[0].pixels)
        assert [len(crops.restored) for crops in several.crops] == [1, 1]
        assert [len(found.seeds) for found in several.faces] == [3, 3]
        assert all(f.trust is not None and f.trust.samples == 3 for f in several.faces)
        assert all(f.trust is not None and f.trust.variation for f in several.faces)


def test_a_parsers_mask_narrows_the_oval() -> None:
    before = photo()

    def left_half(face: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        mask = np.ones(face.shape[:2], np.float32)
        mask[:, face.shape[1] // 2 :] = 0
        return mask

    faces = [face_at(10, 10, 100)]
    whole = restore(before, ready(faces, drawn=0.5), QUICK).photos[0]
    half = restore(before, replace(ready(faces, drawn=0.5), parser=left_half), QUICK).photos[0]
    assert changed(before, whole)[60, 75]
    assert not changed(before, half)[60, 75]
    assert changed(before, half)[60, 45]


def test_a_background_network_enlarges_what_is_not_a_face() -> None:
    def nearest(pixels: Any, factor: int, progress: Any) -> Any:
        return pixels.repeat(factor, axis=0).repeat(factor, axis=1)

    before = photo()
    model: Any = replace(ready(TWO[:1], drawn=0.5), background=nearest)
    after = restore(before, model, replace(QUICK, upscale=2)).photos[0]
    expected = nearest(before.pixels, 2, None)
    assert np.array_equal(after.pixels[200:], expected[200:])
    assert not np.array_equal(after.pixels[80:120, 80:120], expected[80:120, 80:120])
    assert restore(before, replace(model, detector=Eyes([])), QUICK).photos[0] is before


def test_memory_that_runs_out_while_looking_for_faces_says_what_to_do() -> None:
    def detector(rgb: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="out of memory"):
        restore(photo(), replace(ready([]), detector=detector), QUICK)
