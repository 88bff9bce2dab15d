"""A report shows the photo, its faces, and what was left alone, each where it belongs."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.report import Comparison, Facts, Figure, Link, Page, Table
from difface_cli.report.exhibits import restoration
from difface_cli.report.exhibits.shared import LONGEST_SIDE
from difface_cli.tasks import Crops, Found, Result, Scene
from difface_cli.trust.auto_n import Start

BEFORE, AFTER, SECOND = (np.full((40, 60, 3), v, np.uint8) for v in (50, 100, 150))
CROPS = Crops(1, *(np.full((16, 16, 3), v, np.float32) for v in (0.2, 0.4)), restored=())
RECORD: dict[str, Any] = {
    "notice": "No evidence.",
    "difface": "1.2.3",
    "created": "2026-01-02T03:04:05+00:00",
    "input": {"path": "album/old.jpg", "sha256": "ab" * 32},
    "outputs": ["restored/old.jpg"],
    "model": {"name": "tiny", "parts": {"prior": "p"}, "weights": {"p": "cd" * 32}},
    "settings": {"n": 250, "steps": 50, "eta": 0.5, "seed": 7, "aligned": False, "gray": None},
    "seconds": {"total": 1.5},
    "versions": {"numpy": "2"},
}


def result_of(photos: tuple[Photo, ...], found: Any, crops: Any, gray: bool = False) -> Result:
    scene = Scene(photos[0], photos[0], "")
    return Result(scene, photos, found, crops, {}, gray, MappingProxyType({}))


def face(left: float, skipped: str = "") -> Face:
    return Face((left, 10.0, left + 15, 30.0), FFHQ_TEMPLATE_512 / 32, 0.9)


def page(photos: tuple[Photo, ...], *values: float) -> Page:
    """Of a photo with two faces: the first too small, the second restored in these greys."""
    found = (Found(0, face(3), "too small"), Found(1, face(30)))
    restored = tuple(np.full((16, 16, 3), v, np.float32) for v in values)
    crops = (replace(CROPS, restored=restored),) if values else ()
    before = photos[0] if not values else Photo(BEFORE)
    return restoration(before, result_of(photos, found, crops), RECORD)


def blocks(made: Page) -> dict[str, tuple[Any, ...]]:
    return {section.title: section.blocks for section in made.sections}


def test_a_face_with_an_n_of_its_own_says_so() -> None:
    found = (Found(1, face(3), start=Start(94, 3.0)),)
    crops = replace(CROPS, restored=(CROPS.original,))
    result = result_of((Photo(AFTER),), found, (crops,))
    record = RECORD | {"settings": RECORD["settings"] | {"auto_n": True}}
    made = restoration(Photo(BEFORE), result, record)
    assert blocks(made)["Restored faces"][0].title == "Face 1, N 94"
    assert "N of its own for each face" in made.summary


def test_each_picture_stands_on_its_side() -> None:
    made = blocks(page((Photo(AFTER), Photo(SECOND)), 0.6, 0.8))
    (whole,) = made["Before and after"]
    assert (whole.before.pixels == BEFORE).all()
    assert [c.label for c in whole.choices] == ["Restored", "Sample 2"]
    assert [c.picture.pixels[0, 0, 0] for c in whole.choices] == [100, 150]
    (crop,) = made["Restored faces"]
    assert isinstance(crop, Comparison)
    assert crop.title == "Face 1"
    assert crop.before.pixels[0, 0, 0] == 51
    shown = {c.label: c.picture.pixels[0, 0, 0] for c in crop.choices}
    assert shown == {"Restored": 153, "Sample 2": 204, "Estimate": 102}
    alts = [p.alt for p in page((Photo(AFTER),), 0.6).pictures()]
    assert len(set(alts)) == len(alts)


def test_boxes_are_shares_of_the_photo_whatever_its_size_afterwards() -> None:
    large = Photo(np.repeat(np.repeat(AFTER, 2, 0), 2, 1))
    (whole,) = blocks(page((large,), 0.6))["Before and after"]
    left_alone, restored = whole.boxes
    assert restored.edges == (0.5, 0.25, 0.75, 0.75)
    assert (left_alone.muted, restored.muted) == (True, False)


def test_the_table_says_what_was_skipped_and_why() -> None:
    (table,) = blocks(page((Photo(AFTER),), 0.6))["Faces found"]
    assert isinstance(table, Table)
    assert table.rows == (
        ("0", "no: too small", "3, 10", "15 × 20", "0.90"),
        (Link("1", "face-1"), "yes", "30, 10", "15 × 20", "0.90"),
    )


def test_every_setting_is_told() -> None:
    made = page((Photo(AFTER),), 0.6)
    told = {b.title: b.values for b in blocks(made)["Settings"] if isinstance(b, Facts)}
    assert set(told["Settings"]) == set(RECORD["settings"])
    assert told["Settings"]["aligned"] == "no"
    assert told["Model"]["SHA-256 of p"] == "cd" * 32
    assert made.title == "old.jpg"
    assert made.notice == "No evidence."
    assert "1 of 2 faces" in made.summary
    assert "seed 7" in made.summary


def test_where_nothing_was_restored_there_is_nothing_to_compare() -> None:
    made = page((Photo(BEFORE),))
    assert isinstance(blocks(made)["Before and after"][0], Figure)
    assert "Restored faces" not in blocks(made)
    assert made.summary == "0 of 2 faces restored."


def test_a_large_photo_is_shown_smaller() -> None:
    photo = Photo(np.zeros((100, 3 * LONGEST_SIDE, 1), np.uint8))
    result = result_of((photo,), (), (), True)
    made = restoration(photo, result, RECORD)
    assert max(p.width for p in made.pictures()) == LONGEST_SIDE
    assert "No face" in made.summary
