"""What the pages of a restored photo and of a sweep have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from difface_cli import images, report
from difface_cli.images import Photo
from difface_cli.tasks import Found

Record = Mapping[str, Any]

LONGEST_SIDE = 2048
"""Pixels of a whole photo in a report; the result itself lies beside it."""


def title(path: str) -> str:
    """What a page is called: the photo's name, without its folder."""
    return "stdin" if path == "-" else PurePath(path).name


def footer(record: Record) -> str:
    """What made the page, and when, where the record tells."""
    when = f", {record['created']}" if "created" in record else ""
    return f"Made by difface {record['difface']}{when}."


def whole(photo: Photo, alt: str) -> report.Picture:
    """A photo, as large as reports show one."""
    return report.Picture(images.on_screen(photo, LONGEST_SIDE), alt)


def boxes(faces: Sequence[Found], photo: Photo) -> tuple[report.Box, ...]:
    """The faces' numbers and frames on the photo, or on the photo enlarged."""
    return tuple(_box(found, photo) for found in faces)


def _box(found: Found, photo: Photo) -> report.Box:
    x0, y0, x1, y1 = (float(v) for v in found.face.box)
    edges = (x0 / photo.width, y0 / photo.height, x1 / photo.width, y1 / photo.height)
    return report.Box(str(found.index), edges, muted=bool(found.skipped))


def anchor(index: int) -> str:
    """Where in the page a face is shown."""
    return f"face-{index}"


def faces_table(faces: Sequence[Found], photo: Photo, done: str) -> report.Table:
    """Each face's place, and why it was left alone.

    Args:
        done: what became of those that were not, such as "Restored".
    """
    return report.Table(
        f"Places and sizes in pixels of the photo, {photo.width} × {photo.height}",
        ("Face", done, "Left, top", "Size", "Score"),
        tuple(_row(found) for found in faces),
    )


def _row(found: Found) -> tuple[str | report.Link, ...]:
    x0, y0, x1, y1 = found.face.box
    name = str(found.index)
    return (
        name if found.skipped else report.Link(name, anchor(found.index)),
        f"no: {found.skipped}" if found.skipped else "yes",
        f"{x0:.0f}, {y0:.0f}",
        f"{x1 - x0:.0f} × {y1 - y0:.0f}",
        f"{found.face.score:.2f}",
    )


def model_facts(record: Record) -> report.Facts:
    """The model, its parts, and the hashes of their weights."""
    model = record["model"]
    hashes = {f"SHA-256 of {name}": digest for name, digest in model["weights"].items()}
    return report.Facts("Model", {"model": model["name"], **model["parts"], **hashes})


def setting_facts(record: Record) -> report.Facts:
    """Every choice that bears on the result."""
    return report.Facts("Settings", {name: text(v) for name, v in record["settings"].items()})


def text(value: object) -> str:
    """A value of a record, as people read it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return str(value)
