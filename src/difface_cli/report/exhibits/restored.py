"""What the report of a restored photo shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from difface_cli import images, report
from difface_cli.images import Photo
from difface_cli.report.exhibits import shared, trusted
from difface_cli.report.exhibits.shared import Record
from difface_cli.tasks import Crops, Found, Result


def restoration(
    photo: Photo, result: Result, record: Record, done: str = "restored"
) -> report.Page:
    """The page of one photo: before and after, its faces, what was skipped, all settings.

    Args:
        photo: as it was read.
        record: of `records.record`.
        done: what happened to faces that were not left alone.
    """
    known = {found.index: found for found in result.faces}
    names = _names(len(result.photos), done.capitalize())
    faces = tuple(_face(crops, known[crops.index], photo, names) for crops in result.crops)
    sections = [report.Section("Before and after", (_whole(photo, result, names),))]
    if faces:
        title = f"{done.capitalize()} faces"
        sections.append(report.Section(title, faces, note=FACES_NOTE, cards=True))
    if measures := trusted.table(result.faces):
        sections.append(report.Section("How far to trust them", (measures,), note=trusted.NOTE))
    if result.faces:
        table = shared.faces_table(result.faces, photo, done.capitalize())
        sections.append(report.Section("Faces found", (table,)))
    sections.append(report.Section("Settings", _settings(record), folded=True))
    return report.Page(
        title=shared.title(record["input"]["path"]),
        summary=_summary(result, record, done),
        notice=record["notice"],
        sections=tuple(sections),
        footer=shared.footer(record),
    )


FACES_NOTE = (
    "Each face as it was cut out and turned upright, and as the model drew it; the estimate is "
    "what the diffusion prior began with."
)


def _summary(result: Result, record: Record, done: str) -> str:
    settings = record["settings"]
    n = "of its own for each face" if settings.get("auto_n") else settings["n"]
    with_what = (
        f"model {record['model']['name']}, N {n}, {settings['steps']} steps, "
        f"eta {settings['eta']:g}, seed {settings['seed']}"
    )
    if settings.get("guidance"):
        with_what += f", guidance {settings['guidance']:g}"
    if not result.faces:
        return f"No face was found: none was {done}."
    count = f"{len(result.crops)} of {len(result.faces)} faces {done}"
    return f"{count}: {with_what}." if result.crops else f"{count}."


def _whole(photo: Photo, result: Result, names: Sequence[str]) -> report.Comparison | report.Figure:
    before = shared.whole(photo, "The photo as it was")
    boxes = shared.boxes(result.faces, photo)
    if result.photos[0] is photo:
        return report.Figure(before, boxes=boxes)
    choices = tuple(
        report.Choice(name, shared.whole(made, f"The photo: {name.lower()}"))
        for name, made in zip(names, result.photos, strict=True)
    )
    return report.Comparison("Whole photo", before, choices, boxes, anchor="photo")


def _names(samples: int, done: str) -> list[str]:
    return [done, *(f"Sample {k + 1}" for k in range(1, samples))]


def _face(crops: Crops, found: Found, photo: Photo, names: list[str]) -> report.Comparison:
    def picture(face: np.ndarray[Any, np.dtype[np.float32]], what: str) -> report.Picture:
        pixels = (face.clip(0, 1) * 255).round().astype(np.uint8)
        # A crop is in the photo's colour space, and grey ones are three equal channels by now.
        icc = None if photo.is_gray_file else photo.icc
        return report.Picture(images.on_screen(Photo(pixels, icc=icc)), what)

    title = f"Face {crops.index}"
    more = [f"Sample {k + 1}" for k in range(len(names), len(crops.restored))]
    named = [*zip([*names, *more], crops.restored, strict=True)]
    named.append(("Estimate", crops.estimate))
    if found.trust is not None:
        shown = trusted.pictures(crops, found.trust)
        named += [(trusted.LABELS[key], made) for key, made in shown.items()]
    choices = tuple(
        report.Choice(name, picture(face, f"{title}: {name.lower()}")) for name, face in named
    )
    before = picture(crops.original, f"{title} as it was")
    heading = f"{title}, N {found.start.n}" if found.start else title
    return report.Comparison(heading, before, choices, anchor=shared.anchor(crops.index))


def _settings(record: Record) -> tuple[report.Facts, ...]:
    files = {"input": record["input"]["path"], "SHA-256 of the input": record["input"]["sha256"]}
    files |= {f"output {k}": name for k, name in enumerate(record["outputs"], start=1)}
    taken = record.get("seconds", {})
    seconds = {stage: f"{duration:.2f}" for stage, duration in taken.items()}
    return (
        report.Facts("Files", files),
        shared.model_facts(record),
        shared.setting_facts(record),
        *([report.Facts("Seconds", seconds)] if seconds else []),
        report.Facts("Versions", record["versions"]),
    )
