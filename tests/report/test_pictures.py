"""Pictures keep to the limit, and lose no more than they must."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from difface_cli.report import Picture, render
from difface_cli.report.pictures import encode
from difface_cli.report.records import Comparison
from tests.report.pages import BLUE, RED, comparison, flat, page


def noise(width: int, height: int, seed: int = 0) -> Picture:
    """What compresses worst."""
    rng = np.random.default_rng(seed)
    return Picture(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), "noise")


def decoded(uri: str) -> Image.Image:
    kind, data = uri.split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert kind == f"data:image/{image.format.lower()}" if image.format else False
    return image.convert("RGB")


def test_within_the_limit_a_picture_keeps_size_and_colours() -> None:
    picture = Picture(np.repeat(np.uint8([[RED] * 30, [BLUE] * 30]), 16, axis=0), "halves")
    shown = np.asarray(decoded(encode([picture], 10_000)[picture])).astype(int)
    assert shown.shape == (32, 30, 3)
    assert np.abs(shown - picture.pixels)[[4, 28]].max() < 12


@pytest.mark.parametrize("limit", [10_000, 40_000, 90_000])
def test_beyond_it_all_shrink_alike_and_the_limit_is_used(limit: int) -> None:
    pictures = [noise(300, 200), noise(150, 200, 1), noise(80, 80, 2)]
    uris = encode(pictures, limit)
    assert 0.5 * limit < sum(map(len, uris.values())) <= limit
    sizes = [(p, decoded(uri).size) for p, uri in uris.items()]
    scales = [s[0] / p.width for p, s in sizes] + [s[1] / p.height for p, s in sizes]
    assert max(scales) - min(scales) < 0.03
    assert len(pictures) == len(sizes)


def test_a_picture_that_is_shown_twice_counts_twice() -> None:
    picture = noise(200, 200)
    once = len(encode([picture], 10**6)[picture])
    twice = encode([picture, picture], once + 100)[picture]
    assert 2 * len(twice) <= once + 100


def test_an_impossible_limit_ends_at_16_pixels() -> None:
    picture = noise(64, 32)
    assert decoded(encode([picture], -5)[picture]).size == (16, 8)


def test_a_page_keeps_to_the_limit() -> None:
    first = comparison()
    others = [
        Comparison(f"{k}", noise(120, 120, k), first.choices, anchor=str(k)) for k in range(8)
    ]
    whole, small = render(page(*others)), render(page(*others), limit=70_000)
    assert len(whole.encode()) > 100_000
    assert 50_000 < len(small.encode()) <= 70_000
    assert small.count('<figure class="compare" id=') == 8


def test_two_pictures_of_one_look_are_two() -> None:
    a, b = flat(RED), flat(RED)
    assert list(encode([a, b, a], 10**6)) == [a, b]
