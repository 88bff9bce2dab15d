"""Pasting: exact outside the mask, true inside, and without a seam."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import permutations
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from difface_cli.faces import align, paste, resample
from difface_cli.faces.finish import Finish
from difface_cli.faces.resample import Array
from tests.faces.pictures import centred, psnr, ramp, rotation, sampled, through, waves

SIZE = 96


def reached(matrix: Array, height: int, width: int) -> Array:
    """Where the default mask's oval, as much wider as resampling can carry it, lies on a photo."""
    outer = np.array(paste.OUTER) + (2 + align.face_scale(matrix)) / SIZE
    y, x = np.mgrid[0:height, 0:width].astype(float)
    at = (resample.apply(matrix, np.stack([x, y], axis=-1)) + 0.5) / SIZE - paste.CENTRE
    return np.hypot(at[..., 0] / outer[0], at[..., 1] / outer[1]) < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_pixels_outside_the_mask_are_exact(dtype: type, channels: int, scale: float) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, np.iinfo(dtype).max, (320, 300, channels), dtype, endpoint=True)
    matrix = centred(scale, 20, (140, 150), SIZE)
    canvas = photo.copy()
    paste.paste(canvas, rng.random((SIZE, SIZE, 3), np.float32), matrix)
    inside = reached(matrix, 320, 300)
    assert canvas.dtype == dtype
    np.testing.assert_array_equal(canvas[~inside], photo[~inside])
    assert (canvas != photo).any(axis=2)[inside].mean() > 0.7


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.3])
def test_a_restored_picture_lands_in_its_place(scale: float) -> None:
    matrix = centred(scale, -15, (150.4, 160.2), SIZE)
    restored = through(waves, align.invert(matrix), SIZE, period=60).astype(np.float32)
    canvas = np.full((320, 300, 3), 30000, np.uint16)
    mask = paste.face_mask(SIZE)
    paste.paste(canvas, restored, matrix, original_crop=restored)
    y, x = np.mgrid[0:320, 0:300].astype(float)
    weight = resample.warp(mask, matrix, 320, 300, smooth=False)
    whole = weight > 0.999
    want = waves(x, y, period=60)
    assert whole.sum() > 500
    assert psnr(canvas[whole] / 65535, want[whole]) > 38


@pytest.mark.parametrize("scale", [0.3, 0.8, 1.7, 4.0])
def test_a_gradient_passes_unmoved(scale: float) -> None:
    photo = sampled(ramp, 500, 500, np.uint16)
    canvas = photo.copy()
    matrix = centred(scale, 0, (250.3, 240.9), SIZE)
    paste.paste(canvas, align.crop(photo, matrix, SIZE), matrix)
    assert np.abs(canvas.astype(int) - photo).max() < 12  # a third of what one pixel makes


@pytest.mark.parametrize(("size", "decibels"), [(512, 38), (256, 36), (96, 28)])
def test_a_face_s_own_crop_changes_little(size: int, decibels: float) -> None:
    photo = astronaut()
    matrix = centred(size / 220, 5, (225, 120), size)
    canvas = photo.copy()
    paste.paste(canvas, align.crop(photo, matrix, size), matrix)
    changed = (canvas != photo).any(axis=2)
    assert psnr(canvas[changed] / 255, photo[changed] / 255) > decibels


def test_strength_nought_is_exact_and_half_is_between() -> None:
    photo = np.full((100, 100, 3), 100, np.uint8)
    white = np.ones((SIZE, SIZE, 3), np.float32)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[20:76, 20:76] = 1
    middle = {}
    for strength in (0.0, 0.5, 1.0):
        canvas = photo.copy()
        paste.paste(canvas, white, np.eye(2, 3), mask=mask, strength=strength)
        middle[strength] = canvas[50, 50, 0]
        np.testing.assert_array_equal(canvas[:19], photo[:19])
    assert middle == {0.0: 100, 0.5: 178, 1.0: 255}


@pytest.mark.parametrize("centre", [(0, 50), (119, 0), (60, 99), (-500, 50), (60, 2000)])
def test_a_face_may_lie_partly_or_wholly_outside(centre: tuple[float, float]) -> None:
    photo = sampled(waves, 100, 120)
    canvas = photo.copy()
    matrix = centred(1.2, 10, centre, SIZE)
    paste.paste(canvas, np.zeros((SIZE, SIZE, 3), np.float32), matrix)
    inside = reached(matrix, 100, 120)
    np.testing.assert_array_equal(canvas[~inside], photo[~inside])
    assert (canvas != photo).any() == inside.any()


def test_gray_loses_its_colour() -> None:
    photo = np.full((120, 120, 3), 90, np.uint8)
    matrix = centred(1.0, 0, (60, 60), SIZE)
    coloured = np.random.default_rng(3).random((SIZE, SIZE, 3), np.float32)
    canvas, single = photo.copy(), photo[..., :1].copy()
    paste.paste(canvas, coloured, matrix, gray=True)
    paste.paste(single, coloured, matrix)
    assert (canvas == canvas[..., :1]).all() and (canvas != photo).any()
    np.testing.assert_array_equal(canvas[..., :1], single)


@pytest.mark.parametrize("size", [64, 128, 256, 512])
def test_the_mask_is_whole_on_the_face_and_gone_at_the_border(size: int) -> None:
    mask = paste.face_mask(size)
    landmarks = ((align.FFHQ_TEMPLATE_512 + 0.5) * size / 512 - 0.5).round().astype(int)
    assert mask.shape == (size, size) and mask.min() == 0 and mask.max() == 1
    assert (mask[landmarks[:, 1], landmarks[:, 0]] == 1).all()
    edge = size // 50
    frame = mask.copy()
    frame[edge:-edge, edge:-edge] = 0
    assert not frame.any()
    assert np.abs(np.diff(mask, axis=0)).max() < 24 / size  # no step anywhere
    np.testing.assert_allclose(mask, mask[:, ::-1], atol=1e-6)


def seam(before: Array, after: Array, mask: Array) -> float:
    """Mean slope of a photo's change where the mask fades, fine detail aside; 1 is full range."""
    change = cv2.GaussianBlur(after.astype(np.float32) - before, (0, 0), 3)
    steps = np.hypot(np.diff(change, axis=0)[:, :-1], np.diff(change, axis=1)[:-1]).mean(axis=2)
    fade = ((mask > 0) & (mask < 1))[:-1, :-1]
    return float(steps[fade].mean() / 255)


def test_a_colour_cast_leaves_no_seam() -> None:
    photo = astronaut()
    matrix = centred(1.2, 0, (225, 125), 256)
    crop = align.crop(photo, matrix, 256)
    cast = np.clip(crop + np.array([0.08, 0.0, -0.06], np.float32), 0, 1)
    mask = resample.warp(paste.face_mask(256), matrix, 512, 512, smooth=False)
    matched, unmatched = photo.copy(), photo.copy()
    paste.paste(matched, cast, matrix)
    paste.paste(unmatched, cast, matrix, original_crop=cast)
    assert seam(photo, matched, mask) < 0.25 * seam(photo, unmatched, mask)


def test_a_constant_cast_is_taken_off_exactly() -> None:
    original = through(waves, np.eye(2, 3), SIZE).astype(np.float32) * 0.5 + 0.2
    cast = original + np.array([0.1, -0.05, 0.02], np.float32)
    mask = paste.face_mask(SIZE)
    matched = paste.match_colour_at_border(cast, original, mask)
    np.testing.assert_allclose(matched, original, atol=1e-4)


def test_the_colour_shift_is_limited_and_needs_a_ring() -> None:
    black, white = (np.full((SIZE, SIZE, 3), v, np.float32) for v in (0, 1))
    matched = paste.match_colour_at_border(black, white, paste.face_mask(SIZE))
    np.testing.assert_allclose(matched, paste.LARGEST_SHIFT, atol=1e-5)
    whole = np.ones((SIZE, SIZE), np.float32)
    np.testing.assert_array_equal(paste.match_colour_at_border(black, white, whole), black)


def test_the_colour_match_leaves_features_alone() -> None:
    original = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    restored = original.copy()
    restored[40:56, 30:66] = 0.9  # inside, far from the ring
    matched = paste.match_colour_at_border(restored, original, paste.face_mask(SIZE))
    np.testing.assert_allclose(matched, restored, atol=0.01)


@pytest.mark.parametrize("size", [48, 96, 256])
def test_the_near_part_of_the_ring_counts(size: int) -> None:
    """A cast on one side is mended there, by as much as a Gaussian of a tenth of the side says."""
    mask = paste.face_mask(size)
    original = np.full((size, size, 3), 0.5, np.float32)
    restored = original.copy()
    restored[:, : size // 2] += np.float32(0.1)
    ring = mask * (1 - mask)
    blurred = cv2.GaussianBlur(ring, (0, 0), size / 10, borderType=cv2.BORDER_CONSTANT)
    cast = -(restored - original)[..., 0] * ring
    near = cv2.GaussianBlur(cast, (0, 0), size / 10, borderType=cv2.BORDER_CONSTANT)
    trust = 0.1 * blurred.max()
    expected = (near + trust * cast.sum() / ring.sum()) / (blurred + trust)
    matched = paste.match_colour_at_border(restored, original, mask)
    shift = (matched - restored)[..., 0]
    np.testing.assert_allclose(shift[mask > 0], expected[mask > 0], atol=5e-4)


def test_memory_does_not_grow_with_the_photo() -> None:
    canvas = np.zeros((4000, 6000, 3), np.uint8)
    face = np.ones((SIZE, SIZE, 3), np.float32)
    tracemalloc.start()
    try:
        paste.paste(canvas, face, rotation(SIZE / 2500, 10, -20, -20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert canvas.any()
    assert peak < 40e6


class TestCast:
    """A blend keeps the colour cast of the photo, the brightness and fine colours of the face."""

    def blended(self, strength: float) -> tuple[Array, Array]:
        """A grey photo, and a face with a blue cast and a small red mark pasted into it."""
        canvas = np.full((SIZE, SIZE, 3), 120, np.uint8)
        face = np.full((SIZE, SIZE, 3), 0.5, np.float32) + np.array([-0.05, 0, 0.09], np.float32)
        face[SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1] = (0.9, 0.3, 0.3)
        mask = np.ones((SIZE, SIZE), np.float32)  # without a ring, so that nothing else matches
        paste.paste(canvas, face, np.eye(2, 3), mask=mask, strength=strength)
        return canvas.astype(float), face * 255

    def test_a_half_has_no_cast_and_all_has_the_faces_own(self) -> None:
        half, _ = self.blended(0.5)
        assert np.ptp(half[4, 4]) <= 2
        whole, face = self.blended(1.0)
        np.testing.assert_allclose(whole[4, 4], face[4, 4], atol=1)
        between, _ = self.blended(0.75)
        assert 2 < np.ptp(between[4, 4]) < 0.75 * np.ptp(face[4, 4])

    def test_brightness_is_blended_as_ever_and_fine_colours_stay(self) -> None:
        half, face = self.blended(0.5)
        weights = np.array([0.299, 0.587, 0.114])
        expected = 0.5 * 120 + 0.5 * face[4, 4] @ weights
        assert half[4, 4] @ weights == pytest.approx(expected, abs=1)
        mark = half[SIZE // 2, SIZE // 2]
        assert mark[0] - mark[2] > 0.4 * (0.9 - 0.3) * 255


class TestTouchingFaces:
    """Each face keeps its own pixels, whoever is pasted first."""

    # The second face's scale, turn and centre; the first is at (150, 150), 240 pixels a side.
    NEIGHBOURS = ((0.4, 0, (258, 150)), (0.4, 15, (222, 190)), (0.8, -20, (215, 120)))
    COLOURS = ((0.2, 0.3, 0.9), (0.8, 0.6, 0.1))

    def layers(self, scale: float, turn: float, centre: tuple[float, float]) -> list[paste.Layer]:
        matrices = centred(0.4, 0, (150, 150), SIZE), centred(scale, turn, centre, SIZE)
        faces = (np.tile(np.float32(colour), (SIZE, SIZE, 1)) for colour in self.COLOURS)
        pairs = zip(faces, matrices, strict=True)
        return [paste.Layer(face, matrix, original_crop=face) for face, matrix in pairs]

    def photo(self, dtype: type = np.uint8) -> Array:
        top = np.iinfo(dtype).max
        return np.random.default_rng(0).integers(0, top, (320, 420, 3), dtype, endpoint=True)

    def pasted(self, layers: list[paste.Layer], dtype: type = np.uint8) -> Array:
        canvas = self.photo(dtype)
        paste.paste_all(canvas, layers)
        return canvas

    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    def test_each_centre_has_its_own_colour(self, neighbour: Any) -> None:
        layers = self.layers(*neighbour)
        canvas = self.pasted(layers)
        for layer, colour in zip(layers, self.COLOURS, strict=True):
            x, y = resample.apply(align.invert(layer.matrix), np.array([[SIZE, SIZE]]) / 2)[0]
            near = canvas[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5].astype(int)
            assert np.abs(near - np.multiply(colour, 255)).max() <= 1

    @pytest.mark.parametrize("neighbour", NEIGHBOURS)
    def test_no_pixel_outside_both_masks_changes(self, neighbour: Any) -> None:
        layers = self.layers(*neighbour)
        inside = np.any([reached(layer.matrix, 320, 420) for layer in layers], axis=0)
        np.testing.assert_array_equal(self.pasted(layers)[~inside], self.photo()[~inside])

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize("finish", [None, Finish(keep_detail=True, grain=1)])
    def test_the_order_does_not_matter(self, dtype: type, finish: Finish | None) -> None:
        layers = [replace(n, finish=finish) for n in self.layers(*self.NEIGHBOURS[1])]
        layers.append(replace(layers[0], matrix=centred(0.5, 5, (190, 80), SIZE)))
        results = [self.pasted(list(order), dtype) for order in permutations(layers)]
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])

    def test_the_border_lies_between_them_and_is_soft(self) -> None:
        """Of two equal faces beside each other, the middle column is half of each."""
        layers = self.layers(0.4, 0, (258, 150))
        red = self.pasted(layers)[150, 150:259, 0] / 255
        share = (red - 0.2) / 0.6  # of the second face
        assert share[54] == pytest.approx(0.5, abs=0.02)
        assert (np.diff(share) > -0.01).all()
        assert np.diff(share).max() < 0.15
        assert share[:36].max() < 0.01 and share[-36:].min() > 0.99

    def test_a_face_in_two_halves_is_whole_again(self) -> None:
        """Two faces of one colour leave no seam where they meet."""
        one, other = self.layers(0.4, 0, (258, 150))
        canvas = self.pasted([one, replace(one, matrix=other.matrix)])
        between = canvas[110:190, 150:259].astype(int)
        assert np.abs(between - np.multiply(self.COLOURS[0], 255)).max() <= 1

    def test_the_strength_of_each_is_kept(self) -> None:
        canvas = np.full((320, 420, 3), 100, np.uint8)
        one, other = self.layers(0.4, 0, (258, 150))
        halved = replace(one, strength=0.5)
        paste.paste_all(canvas, [halved, other])
        alone = np.full_like(canvas, 100)
        paste.paste_all(alone, [halved])
        middle = np.s_[140:160, 120:180]
        assert np.abs(canvas[middle].astype(int) - alone[middle]).max() <= 1

    def test_faces_apart_are_what_each_is_alone(self) -> None:
        layers = self.layers(0.8, 10, (345, 150))
        canvas = self.pasted(layers)
        for layer in layers:
            alone = self.pasted([layer])
            changed = (alone != self.photo()).any(axis=2)
            np.testing.assert_array_equal(canvas[changed], alone[changed])

    def test_nothing_is_pasted_without_a_layer(self) -> None:
        np.testing.assert_array_equal(self.pasted([]), self.photo())
