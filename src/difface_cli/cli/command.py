"""A command on photos: its own options, and those that all such commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, get_type_hints

import typer

from difface_cli.cli import shared
from difface_cli.trust import gate

if TYPE_CHECKING:
    from difface_cli.cli.photos import Asked


def on_photos(app: typer.Typer, name: str, own: Callable[..., int]) -> None:
    """Add a command to the app.

    Args:
        own: has the command's own options and its help, and is given the shared ones as `asked`;
            it returns the exit code.
    """
    common, ours = _parameters(_shared), _parameters(own)
    del ours["asked"]

    def command(**given: object) -> None:
        from difface_cli.cli.photos import Asked

        asked = Asked({option: given.pop(option) for option in common})
        raise typer.Exit(own(asked, **given))

    first, *rest = common.values()
    every = [first, *ours.values(), *rest]
    command.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in every}
    command.__doc__ = own.__doc__
    app.command(name)(command)


def _parameters(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """The parameters of a function, by name, with what their annotations mean."""
    hints = get_type_hints(function, localns={"Asked": object}, include_extras=True)
    return {
        name: parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def _shared(
    *,
    photos: shared.PhotosOrFolders,
    output: shared.Output = None,
    recursive: shared.Recursive = False,
    include: shared.Include = [],  # noqa: B006  # Typer makes a new one each time
    exclude: shared.Exclude = [],  # noqa: B006
    watch: shared.Watch = False,
    fail_fast: shared.FailFast = False,
    engine: shared.EngineOption = shared.Engine.local,
    workers: shared.Workers = 0,
    model: shared.ModelOfTask = None,
    models: shared.Models = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    sampler: shared.SamplerOrFast = None,
    guidance: shared.Guidance = None,
    fast: shared.Fast = False,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    choose: shared.ChooseOption = None,
    reference_photos: shared.ReferencePhotos = None,
    aligned: shared.Aligned = False,
    faces: shared.Faces = "all",
    face: shared.FaceByHand = None,
    landmarks: shared.LandmarksByHand = None,
    min_face: shared.MinFace = gate.SMALLEST,
    trust: shared.Trust = 1,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    quality: shared.Quality = 95,
    save_faces: shared.SaveFaces = False,
    report: shared.Report = False,
    overwrite: shared.Overwrite = False,
    dry_run: shared.DryRun = False,
    as_json: shared.Json = False,
    device: shared.DeviceOption = shared.Device.auto,
    precision: shared.PrecisionOption = shared.Precision.auto,
    batch: shared.Batch = "auto",
    compiled: shared.Compile = False,
) -> Asked:
    """The shared options, as a signature to read them from."""
    raise NotImplementedError
