"""A result that came out again, held against the file of then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from difface_cli import images
from difface_cli.base.errors import ImageError
from difface_cli.base.hashing import sha256
from difface_cli.images import Photo
from difface_cli.metrics.difference import Difference, difference
from difface_cli.records.reading import Run


@dataclass(frozen=True)
class Verdict:
    """What became of one result.

    Attributes:
        output: the result's file as the record names it.
        identical: whether its bytes came out again.
        difference: how far off they are; None for none, or nothing to compare with.
        note: what is to be said about the file of then; empty for nothing.
    """

    output: str
    identical: bool
    difference: Difference | None = None
    note: str = ""


def compare(run: Run, k: int, data: bytes) -> Verdict:
    """Hold the k-th result, the bytes of a file, against that of then."""
    output, file = run.outputs[k], result_of(run, k)
    digest = hashlib.sha256(data).hexdigest()
    lies = sha256(file) if file else ""
    then = run.output_sha256[k] if run.output_sha256 else lies
    if digest == then:
        changed = file is not None and lies != then
        return Verdict(output, True, note=f"{file} was changed since" if changed else "")
    if file is None:
        return Verdict(output, False, note=f"{output} is not there to compare with")
    note = "" if lies == then else f"{file} was changed since, and is compared as it is now"
    try:
        return Verdict(output, False, difference(images.read(file), _decoded(data)), note)
    except ImageError:
        return Verdict(output, False, note=f"{file} cannot be read any more")
    except ValueError:
        return Verdict(output, False, note=f"{file} has another size")


def _decoded(data: bytes) -> Photo:
    return images.read_bytes(data, "what comes out now")


def result_of(run: Run, k: int) -> Path | None:
    """The file of a result of then: where it was written, or beside the record."""
    named = Path(run.outputs[k])
    places = [run.record.parent / named.name, named]
    return next((place for place in places if place.is_file()), None)
