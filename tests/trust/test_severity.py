"""Faces degraded by eq. 17 itself: what is found is what was done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from difface_cli.degradations import Degradation
from difface_cli.faces.paste import face_mask
from difface_cli.trust import severity

SIZE = 256
MASK = face_mask(SIZE)


def face(seed: int = 0, fall: float = 1.5) -> Any:
    """A random picture with a photo's spectrum, which falls with the frequency."""
    rng = np.random.default_rng(seed)
    f = np.fft.fftfreq(SIZE)
    radius = np.maximum(np.hypot(f[:, None], f[None, :]), 1 / SIZE)
    spectrum = np.fft.fft2(rng.standard_normal((SIZE, SIZE))) / radius**fall
    picture = np.fft.ifft2(spectrum).real
    grey = 0.5 + 0.15 * picture / picture.std()
    return np.repeat(grey[..., None], 3, axis=2).clip(0, 1).astype(np.float32)


def degraded(picture: Any, blur: float, scale: float, noise: float = 0) -> Any:
    how = Degradation(blur, blur, 0, scale, noise, None, seed=1)
    return how(torch.from_numpy(picture).permute(2, 0, 1)).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("blur", "scale"), [(0, 4), (0, 12), (0, 32), (3, 1), (8, 1), (4, 8), (8, 16), (12, 32)]
)
def test_blur_and_scale_together_are_found(blur: float, scale: float) -> None:
    sharp = face()
    found = severity.fit(degraded(sharp, blur, scale), sharp, MASK)
    # Heavy scales leave few rings, and alias.
    expected = severity.Severity(blur, scale, 0).width
    assert found.width == pytest.approx(expected, rel=0.12 if scale < 32 else 0.25)


def test_noise_hardly_changes_what_is_found() -> None:
    sharp = face()
    clean, noisy = (severity.fit(degraded(sharp, 4, 8, n), sharp, MASK) for n in (0, 15))
    assert noisy.width == pytest.approx(clean.width, rel=0.1)
    assert noisy.noise > clean.noise + 1.5


def test_a_face_is_no_degraded_copy_of_itself() -> None:
    sharp = face()
    found = severity.fit(sharp, sharp, MASK)
    assert (found.blur, found.scale, found.width) == (0, 1, 0)


def test_brightness_plays_no_part() -> None:
    sharp = face() * 0.5
    one, other = (severity.fit(degraded(sharp, 4, 8) + add, sharp, MASK) for add in (0, 0.3))
    assert one.width == other.width


def test_flat_faces_have_no_severity() -> None:
    flat = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    assert severity.fit(flat, flat, MASK) == severity.Severity(0, 1, 0)


def test_width_of_a_blur_is_the_blur() -> None:
    assert severity.Severity(6, 1, 0).width == pytest.approx(6, rel=0.01)
    widths = [severity.Severity(4, scale, 0).width for scale in (1, 4, 16, 40)]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize(("blur", "scale"), [(0, 6), (5, 1), (4, 10)])
def test_the_transfer_is_eq_17s(blur: float, scale: float) -> None:
    """A wave comes out of eq. 17 as high as its transfer says."""
    side = 512
    x = (np.arange(side) + 0.5) / side
    for waves in (4, 12, 24):
        wave = 0.5 + 0.4 * np.cos(2 * np.pi * waves * x)
        picture = np.broadcast_to(wave[None, :, None], (side, side, 3)).astype(np.float32)
        left = np.abs(np.fft.fft(degraded(picture.copy(), blur, scale)[side // 2, :, 0])[waves])
        expected = float(severity.transfer(blur, scale, np.array(waves / side)))
        assert left / (0.2 * side) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("sigma", [2.0, 10.0])
def test_white_noise_is_measured(sigma: float) -> None:
    rng = np.random.default_rng(0)
    grey = 0.5 + rng.normal(0, sigma / 255, (512, 512, 1)).astype(np.float32)
    assert severity.noise(np.repeat(grey, 3, axis=2), 1) == pytest.approx(sigma, rel=0.03)
