"""`difface restore`: the faces of photos, restored and pasted back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from difface_cli.cli import shared
from difface_cli.cli.command import on_photos
from difface_cli.trust import gate as gates

if TYPE_CHECKING:
    from difface_cli.cli.photos import Asked


def register(app: typer.Typer) -> None:
    """Add `difface restore`."""
    on_photos(app, "restore", restore)


def restore(
    asked: Asked,
    n: shared.NOrAuto = None,
    estimator: shared.Estimator = None,
    guide: shared.Guide = 0.0,
    strength: shared.Strength = 1.0,
    keep_detail: shared.KeepDetail = False,
    grain: shared.Grain = False,
    gate: shared.GateOption = shared.Gate.on,
    force: shared.Force = False,
    parser: shared.Parser = None,
    gray: shared.GrayOption = shared.Gray.auto,
    upscale: shared.Upscale = 1,
    background: shared.Background = None,
) -> int:
    """Restore the faces in photos.

    Finds every face, restores it with estimator and diffusion prior, and pastes it back; all
    other pixels stay as they are. The input is never changed. Beside each result lies a record
    (NAME.json) of faces, model, seed and settings.

    Each face drawn is measured, and left alone where restoring would lose (--gate, --force).

    A folder's tree is mirrored in the output folder, whose manifest.jsonl tells what is done:
    started again, a run that was stopped or killed does what is left.

    Restored detail is synthesised: it is no evidence of identity.
    """
    from difface_cli.base.errors import UsageError
    from difface_cli.cli import photos, values
    from difface_cli.models import with_parts
    from difface_cli.tasks import Restore

    known, model = asked.chosen(Restore)
    asked_n, auto_n = values.n(n, auto=model.auto_n)
    if background and upscale == 1:
        raise UsageError(
            "--background enlarges the photo, and --upscale is 1.", "Add --upscale 2 or 4."
        )
    chosen = with_parts(known, model, estimator=estimator, parser=parser, background=background)
    session = asked.session(
        Restore(), known, chosen, asked.settings(model, asked_n),
        auto_n=auto_n, guide=guide, strength=strength, upscale=upscale, gray=gray.value,
        keep_detail=keep_detail, grain=grain, gate=gates.FORCE if force else gate.value,
    )  # fmt: skip
    return photos.go(session, asked)
