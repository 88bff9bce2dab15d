"""The numbered picture shows each face where it is."""

from __future__ import annotations

import numpy as np

from difface_cli.faces.align import FFHQ_TEMPLATE_512
from difface_cli.faces.detect import Face
from difface_cli.images import Photo
from difface_cli.report.preview import CHOSEN, LEFT_OUT, numbered
from difface_cli.tasks import Found


def test_boxes_stand_where_the_faces_are_in_the_colour_of_their_fate() -> None:
    photo = Photo(np.full((200, 300, 1), 40000, np.uint16))
    points = FFHQ_TEMPLATE_512 / 8
    faces = [
        Found(0, Face((40.0, 50.0, 90.0, 120.0), np.add(points, (30, 40)), 0.9)),
        Found(
            1,
            Face((200.0, 60.0, 240.0, 110.0), np.add(points, (180, 50)), 0.9),
            skipped="not chosen",
        ),
    ]
    out = numbered(photo, faces)
    assert out.pixels.shape == (200, 300, 3)
    assert out.pixels.dtype == np.uint8
    assert tuple(out.pixels[85, 90]) == CHOSEN
    assert tuple(out.pixels[85, 240]) == LEFT_OUT
    assert tuple(out.pixels[150, 150]) == (156, 156, 156)


def test_faces_at_the_edge_and_beyond_are_drawn_as_far_as_they_go() -> None:
    photo = Photo(np.zeros((40, 40, 3), np.uint8))
    face = Face((-20.0, -5.0, 60.0, 70.0), FFHQ_TEMPLATE_512 / 8, 0.9)
    assert numbered(photo, [Found(12, face)]).pixels.shape == (40, 40, 3)
