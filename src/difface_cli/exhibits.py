"""What the report of a restored photo shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from difface_cli import images, report
from difface_cli.images import Photo
from difface_cli.pipeline import Crops, Found, Restoration

LONGEST_SIDE = 2048
"""Pixels of a whole photo in a report; the result itself lies beside it."""

Record = Mapping[str, Any]


def restoration(photo: Photo, result: Restoration, record: Record) -> report.Page:
    """The page of one photo: before and after, its faces, what was skipped, all settings.

    Args:
        photo: as it was read.
        record: of `sidecar.record`.
    """
    path = record["input"]["path"]
    faces = tuple(_face(crops, photo) for crops in result.crops)
    sections = [report.Section("Before and after", (_whole(photo, result),))]
    if faces:
        sections.append(report.Section("Restored faces", faces, note=FACES_NOTE, cards=True))
    if result.faces:
        sections.append(report.Section("Faces found", (_table(result.faces, photo),)))
    sections.append(report.Section("Settings", _settings(record), folded=True))
    return report.Page(
        title="stdin" if path == "-" else PurePath(path).name,
        summary=_summary(result, record),
        notice=record["notice"],
        sections=tuple(sections),
        footer=f"Made by difface {record['difface']}, {record['created']}.",
    )


FACES_NOTE = (
    "Each face as it was cut out and turned upright, and as the model drew it; the estimate is "
    "what the diffusion prior began with."
)


def _summary(result: Restoration, record: Record) -> str:
    settings = record["settings"]
    with_what = (
        f"model {record['model']['name']}, N {settings['n']}, {settings['steps']} steps, "
        f"eta {settings['eta']:g}, seed {settings['seed']}"
    )
    if not result.faces:
        return "No face was found: the photo is only copied."
    count = f"{len(result.crops)} of {len(result.faces)} faces restored"
    return f"{count}: {with_what}." if result.crops else f"{count}: the photo is only copied."


def _whole(photo: Photo, result: Restoration) -> report.Comparison | report.Figure:
    before = report.Picture(images.on_screen(photo, LONGEST_SIDE), "The photo as it was")
    if not result.crops:
        return report.Figure(before, "As it was, and as it is.")
    choices = tuple(
        report.Choice(name, report.Picture(images.on_screen(made, LONGEST_SIDE), f"{name} photo"))
        for name, made in zip(_names(len(result.photos)), result.photos, strict=True)
    )
    boxes = tuple(_box(found, photo) for found in result.faces)
    return report.Comparison("Whole photo", before, choices, boxes, anchor="photo")


def _names(samples: int) -> list[str]:
    return ["Restored", *(f"Sample {k + 1}" for k in range(1, samples))]


def _box(found: Found, photo: Photo) -> report.Box:
    x0, y0, x1, y1 = (float(v) for v in found.face.box)
    edges = (x0 / photo.width, y0 / photo.height, x1 / photo.width, y1 / photo.height)
    return report.Box(str(found.index), edges, muted=bool(found.skipped))


def _face(crops: Crops, photo: Photo) -> report.Comparison:
    def picture(face: np.ndarray[Any, np.dtype[np.float32]], what: str) -> report.Picture:
        pixels = (face.clip(0, 1) * 255).round().astype(np.uint8)
        # A crop is in the photo's colour space, and grey ones are three equal channels by now.
        icc = None if photo.is_gray_file else photo.icc
        return report.Picture(images.on_screen(Photo(pixels, icc=icc)), what)

    title = f"Face {crops.index}"
    named = [*zip(_names(len(crops.restored)), crops.restored, strict=True)]
    choices = tuple(
        report.Choice(name, picture(face, f"{title}: {name.lower()}"))
        for name, face in (*named, ("Estimate", crops.estimate))
    )
    before = picture(crops.original, f"{title} as it was")
    return report.Comparison(title, before, choices, anchor=_anchor(crops.index))


def _anchor(index: int) -> str:
    return f"face-{index}"


def _table(faces: tuple[Found, ...], photo: Photo) -> report.Table:
    return report.Table(
        f"Places and sizes in pixels of the photo, {photo.width} × {photo.height}",
        ("Face", "Restored", "Left, top", "Size", "Score"),
        tuple(_row(found) for found in faces),
    )


def _row(found: Found) -> tuple[str | report.Link, ...]:
    x0, y0, x1, y1 = found.face.box
    name = str(found.index)
    return (
        name if found.skipped else report.Link(name, _anchor(found.index)),
        f"no: {found.skipped}" if found.skipped else "yes",
        f"{x0:.0f}, {y0:.0f}",
        f"{x1 - x0:.0f} × {y1 - y0:.0f}",
        f"{found.face.score:.2f}",
    )


def _settings(record: Record) -> tuple[report.Facts, ...]:
    model, seconds = record["model"], record["seconds"]
    files = {"input": record["input"]["path"], "SHA-256 of the input": record["input"]["sha256"]}
    files |= {f"output {k}": name for k, name in enumerate(record["outputs"], start=1)}
    parts = {"model": model["name"], **model["parts"]}
    hashes = {f"SHA-256 of {name}": digest for name, digest in model["weights"].items()}
    return (
        report.Facts("Files", files),
        report.Facts("Model", parts | hashes),
        report.Facts("Settings", {name: _text(v) for name, v in record["settings"].items()}),
        report.Facts("Seconds", {stage: f"{taken:.2f}" for stage, taken in seconds.items()}),
        report.Facts("Versions", record["versions"]),
    )


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return str(value)
