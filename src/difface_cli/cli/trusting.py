"""What `difface restore` tells of how far its faces can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from difface_cli.cli import console

HEADINGS = ("face", "fit", "blur", "moved", "sharpness", "varies", "likeness", "restored")
FORCED = "  --force restores what the gate leaves alone"


def doubts(faces: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each face that --force restored, with what speaks against it; or that it could."""
    reasons = [face["skipped"] or "not chosen" for face in faces if not face["restored"]]
    if any(reason != "not chosen" and "--min-face" not in reason for reason in reasons):
        yield FORCED
    for face in faces:
        if doubt := face.get("trust", {}).get("doubt"):
            yield f"  face {face['index']} restored by --force: {doubt}"


def show(faces: Sequence[Mapping[str, Any]], *, stderr: bool) -> None:
    """Print a table of what was measured of the faces that were drawn, if any were.

    Args:
        faces: of a record.
        stderr: whether stdout carries a picture.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = [face for face in faces if "trust" in face]
    if not drawn:
        return
    table = Table(*HEADINGS, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for face in drawn:
        restored = "yes" if face["restored"] else "no"
        table.add_row(str(face["index"]), *_numbers(face["trust"]), restored)
    (console.err() if stderr else console.out()).print(table)


def _numbers(trust: Mapping[str, Any]) -> Iterator[str]:
    sharpness, shift = trust["sharpness"], trust["landmark_shift"]
    moved = "—" if shift is None else f"{shift:.0f} %"
    yield f"{trust['consistency']['psnr']:.1f} dB"
    yield f"{trust['consistency']['width']:.1f} px"
    yield "no face" if trust["face_found"] is False else moved
    yield f"{sharpness['before']:.1f} → {sharpness['after']:.1f}"
    yield "—" if trust["variation"] is None else f"{trust['variation']:.1f}"
    yield "—" if trust["identity"] is None else f"{trust['identity']:.2f}"
