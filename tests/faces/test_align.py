"""Alignment against closed forms and pictures known between pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difface_cli.base.errors import FaceError
from difface_cli.faces import align, resample
from difface_cli.faces.align import FFHQ_TEMPLATE_512
from tests.faces.pictures import centred, psnr, ramp, rotation, sampled, through, waves


@given(
    scale=st.floats(0.01, 100),
    degrees=st.floats(-180, 180),
    x=st.floats(-1e4, 1e4),
    y=st.floats(-1e4, 1e4),
    size=st.sampled_from([128, 256, 512, 1000]),
)
def test_a_similarity_is_recovered_exactly(
    scale: float, degrees: float, x: float, y: float, size: int
) -> None:
    template = (FFHQ_TEMPLATE_512 + 0.5) * size / 512 - 0.5
    true = rotation(scale, degrees, x, y)
    landmarks = resample.apply(align.invert(true), template)
    found = align.similarity(landmarks, size)
    np.testing.assert_allclose(resample.apply(found, landmarks), template, atol=1e-5)
    np.testing.assert_allclose(found[:, :2], true[:, :2], atol=1e-7 * scale + 1e-12)
    assert align.face_scale(found) == pytest.approx(scale, rel=1e-6)


def test_no_other_similarity_is_nearer() -> None:
    rng = np.random.default_rng(1)
    landmarks = FFHQ_TEMPLATE_512 * 0.4 + rng.normal(0, 12, (5, 2))

    def distance(matrix: np.ndarray) -> float:
        return float(np.sum((resample.apply(matrix, landmarks) - FFHQ_TEMPLATE_512) ** 2))

    best = align.similarity(landmarks, 512)
    a, b, x, y = best[0, 0], best[1, 0], best[0, 2], best[1, 2]
    for size in (1e-3, 1e-2, 1e-1):
        for da, db, dx, dy in rng.normal(0, size, (200, 4)) * [1, 1, 100, 100]:
            other = np.array([[a + da, -b - db, x + dx], [b + db, a + da, y + dy]])
            assert distance(other) > distance(best)


def test_the_template_is_scaled_about_pixel_edges() -> None:
    matrix = align.similarity(FFHQ_TEMPLATE_512, 128)
    np.testing.assert_allclose(resample.apply(matrix, np.array([-0.5, -0.5])), -0.5, atol=1e-9)
    np.testing.assert_allclose(resample.apply(matrix, np.array([511.5, 511.5])), 127.5, atol=1e-9)
    np.testing.assert_allclose(align.similarity(FFHQ_TEMPLATE_512, 512), np.eye(2, 3), atol=1e-9)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    matrix = align.similarity(FFHQ_TEMPLATE_512 * [-1, 1], 512)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_landmarks_on_a_line_are_aligned() -> None:
    matrix = align.similarity([[10, 10], [30, 10], [20, 10], [12, 10], [28, 10]], 256)
    assert np.isfinite(matrix).all() and matrix[0, 0] > 0


def orthogonal_landmarks() -> np.ndarray:
    """Landmarks that correlate with the template at no angle."""
    w = FFHQ_TEMPLATE_512 @ [1, 1j]
    w -= w.mean()
    z = np.array([1.0, 2j, -1.0, 0.5, 0.3j])
    z -= z.mean()
    z -= w * np.vdot(w, z) / np.vdot(w, w)
    return np.stack([z.real, z.imag], axis=1)


@pytest.mark.parametrize(
    "landmarks",
    [
        np.full((5, 2), 7.0),
        np.full((5, 2), np.nan),
        np.where(np.arange(10).reshape(5, 2) == 3, np.inf, FFHQ_TEMPLATE_512),
        orthogonal_landmarks(),
    ],
    ids=["one place", "nan", "infinite", "no face"],
)
def test_degenerate_landmarks_are_an_error(landmarks: np.ndarray) -> None:
    with pytest.raises(FaceError) as raised:
        align.similarity(landmarks, 256)
    assert raised.value.hint


@given(factor=st.floats(0.1, 8), x=st.floats(-100, 900), y=st.floats(-100, 900))
def test_a_resized_photo_leads_to_the_same_face(factor: float, x: float, y: float) -> None:
    matrix = rotation(1.7, 20, 30, -11)
    point = np.array([x, y])
    resized = (point + 0.5) * factor - 0.5
    np.testing.assert_allclose(
        resample.apply(align.scale_matrix(matrix, factor), resized),
        resample.apply(matrix, point),
        atol=1e-6,
    )


def test_invert_undoes() -> None:
    matrix = rotation(0.37, 100, 12, 900)
    np.testing.assert_allclose(
        resample.compose(align.invert(matrix), matrix), np.eye(2, 3), atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_identity_crops_the_picture_itself(dtype: type, channels: int) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, np.iinfo(dtype).max, (64, 64, channels), dtype, endpoint=True)
    face = align.crop(pixels, np.eye(2, 3), 64)
    assert face.dtype == np.float32 and face.shape == (64, 64, 3)
    want = np.broadcast_to(pixels / np.iinfo(dtype).max, (64, 64, 3))
    np.testing.assert_allclose(face, want, atol=1e-6)


@pytest.mark.parametrize(("scale", "decibels"), [(2.6, 55), (1.0, 55), (0.7, 50), (0.31, 33)])
def test_a_crop_shows_what_lies_between_the_pixels(scale: float, decibels: float) -> None:
    photo = sampled(waves, 400, 500, np.uint16)
    matrix = centred(scale, 25, (250.3, 190.8), 96)
    face = align.crop(photo, matrix, 96)
    assert psnr(face, through(waves, align.invert(matrix), 96)) > decibels


@pytest.mark.parametrize("scale", [0.5, 0.31, 0.117])
def test_shrinking_shifts_nothing(scale: float) -> None:
    photo = sampled(ramp, 700, 900, np.uint16)
    matrix = centred(scale, 0, (450.2, 350.7), 64)
    slope = 1 / 2000 / scale
    face = align.crop(photo, matrix, 64)
    np.testing.assert_allclose(face, through(ramp, align.invert(matrix), 64), atol=0.04 * slope)


def test_fine_patterns_do_not_alias() -> None:
    y, x = np.mgrid[0:600, 0:600]
    checks = (255 * ((x + y) % 2))[..., None].astype(np.uint8)
    face = align.crop(checks, centred(0.21, 10, (300, 300), 100), 100)
    assert face.std() < 0.02 and abs(face.mean() - 0.5) < 0.01


@pytest.mark.parametrize("centre", [(0, 40), (79, 40), (40, -20), (75, 95), (-60, 40)])
def test_beyond_its_edge_the_photo_is_mirrored(centre: tuple[float, float]) -> None:
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (80, 80, 3), np.uint8)
    wide = np.pad(photo, ((160, 160), (160, 160), (0, 0)), mode="symmetric")
    matrix = centred(1.0, 30, centre, 64)
    moved = resample.compose(matrix, resample.translation(-160, -160))
    np.testing.assert_allclose(
        align.crop(photo, matrix, 64), align.crop(wide, moved, 64), atol=1e-5
    )


def test_only_the_region_counts() -> None:
    photo = sampled(waves, 900, 900)
    matrix = centred(1.5, 12, (450, 450), 96)
    other = np.zeros_like(photo)
    other[390:510, 390:510] = photo[390:510, 390:510]
    np.testing.assert_array_equal(align.crop(photo, matrix, 96), align.crop(other, matrix, 96))
