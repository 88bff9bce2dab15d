"""What a report says of trust: one row a face drawn, and pictures where they are known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.records import record
from difface_cli.report import Link
from difface_cli.report.exhibits import trusted
from difface_cli.tasks import Crops, Found
from difface_cli.trust.measures import Consistency, Trust
from difface_cli.trust.severity import Severity

GREY = np.full((16, 16, 3), 0.5, np.float32)
CROPS = Crops(1, GREY, GREY, (GREY,))
MEASURED = Trust(
    Consistency(Severity(4, 8, 2), 70, GREY - np.float32(0.05), 31.25),
    sharpness=(2.0, 6.5), shift=0.034, samples=1, variation=None, deviation=None,
)  # fmt: skip
FACE = Face((0.0, 0.0, 9.0, 9.0), FFHQ_TEMPLATE_512 / 32, 0.9)
DRAWN = Found(1, FACE, trust=MEASURED)


def test_only_faces_that_were_drawn_have_a_row() -> None:
    left = replace(
        DRAWN, index=2, skipped="no face was found", trust=replace(MEASURED, shift=math.inf)
    )
    table = trusted.table([Found(0, FACE, "not chosen"), DRAWN, left])
    assert table is not None
    drawn, held = table.rows
    assert isinstance(drawn[0], Link)
    assert drawn[1:5] == (
        "31.2 dB",
        f"{MEASURED.consistency.severity.width:.1f} px of 512",
        "3%",
        "2.0 → 6.5",
    )
    assert held[0] == "2"  # there is no picture of it to lead to
    assert held[3] == "no face found"
    assert held[-1] == "left alone: no face was found"
    assert trusted.table([Found(0, FACE, "not chosen")]) is None


def test_a_forced_face_says_what_speaks_against_it() -> None:
    table = trusted.table([replace(DRAWN, doubt="turned to the side")])
    assert table is not None
    assert table.rows[0][-1] == "restored, though turned to the side"


def test_pictures() -> None:
    made = trusted.pictures(CROPS, MEASURED)
    assert set(made) == {"degraded", "residual"}
    np.testing.assert_allclose(made["residual"], 0.5 + 4 * 0.05, atol=1e-6)
    deviation = np.zeros((16, 16), np.float32)
    deviation[0, 0] = 1
    heat = trusted.pictures(CROPS, replace(MEASURED, deviation=deviation))["variation"]
    assert heat[0, 0].sum() > 2.4 > 0.1 > heat[8, 8].sum()
    assert set(made) < set(trusted.LABELS)


def test_the_record_is_json_even_where_no_face_was_found() -> None:
    entry = record.face(replace(DRAWN, trust=replace(MEASURED, shift=math.inf)))["trust"]
    again = json.loads(json.dumps(entry, allow_nan=False))
    assert (again["face_found"], again["landmark_shift"]) == (False, None)
    seen = record.face(DRAWN)["trust"]
    assert (seen["face_found"], seen["landmark_shift"]) == (True, 3.4)
    assert seen["consistency"]["jpeg"] == 70
    nobody = record.face(replace(DRAWN, trust=replace(MEASURED, shift=None)))["trust"]
    assert (nobody["face_found"], nobody["landmark_shift"]) == (None, None)
