"""`difface restore`: the faces of photos, restored and pasted back."""

from __future__ import annotations

import typer

from difface_cli.cli import shared
from difface_cli.trust import gate as gates


def register(app: typer.Typer) -> None:
    """Add `difface restore`."""
    app.command("restore")(restore)


def restore(
    photos: shared.PhotosOrFolders,
    output: shared.Output = None,
    recursive: shared.Recursive = False,
    include: shared.Include = [],  # noqa: B006  # Typer makes a new one each time
    exclude: shared.Exclude = [],  # noqa: B006
    watch: shared.Watch = False,
    fail_fast: shared.FailFast = False,
    engine: shared.EngineOption = shared.Engine.local,
    workers: shared.Workers = 0,
    model: shared.Model = "starter",
    models: shared.Models = None,
    n: shared.NOrAuto = None,
    steps: shared.Steps = None,
    eta: shared.Eta = None,
    estimator: shared.Estimator = None,
    sampler: shared.SamplerOrFast = None,
    fast: shared.Fast = False,
    seed: shared.Seed = 0,
    samples: shared.Samples = 1,
    choose: shared.ChooseOption = None,
    reference_photos: shared.ReferencePhotos = None,
    strength: shared.Strength = 1.0,
    keep_detail: shared.KeepDetail = False,
    grain: shared.Grain = False,
    aligned: shared.Aligned = False,
    faces: shared.Faces = "all",
    face: shared.FaceByHand = None,
    landmarks: shared.LandmarksByHand = None,
    min_face: shared.MinFace = gates.SMALLEST,
    gate: shared.GateOption = shared.Gate.on,
    force: shared.Force = False,
    trust: shared.Trust = 1,
    detect_size: shared.DetectSize = 1280,
    detector: shared.Detector = None,
    parser: shared.Parser = None,
    gray: shared.GrayOption = shared.Gray.auto,
    upscale: shared.Upscale = 1,
    background: shared.Background = None,
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
) -> None:
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
    from difface_cli.cli import photos as shared_photos
    from difface_cli.cli import values
    from difface_cli.models import with_parts
    from difface_cli.tasks import Restore, options
    from difface_cli.weights import registry

    known = registry.load(models)
    own = known.model(model, Restore.name)
    asked_n, auto_n = values.n(n, auto=own.auto_n)
    wishes = options.Options(
        settings=options.settings(
            own, asked_n, steps, eta, sampler.value if sampler else None, fast=fast
        ),
        seed=seed,
        samples=samples,
        auto_n=auto_n,
        choose=choose.value if choose else "",
        strength=strength,
        aligned=aligned,
        faces=faces,
        by_hand=values.faces(face, landmarks, photos),
        min_face=min_face,
        upscale=upscale,
        gray=gray.value,
        batch=values.batch(batch),
        keep_detail=keep_detail,
        grain=grain,
        gate=gates.FORCE if force else gate.value,
        trust=trust,
    )
    if background and upscale == 1:
        raise UsageError(
            "--background enlarges the photo, and --upscale is 1.", "Add --upscale 2 or 4."
        )
    chosen = with_parts(
        known, own, estimator=estimator, detector=detector, parser=parser, background=background
    )
    session = shared_photos.session(
        Restore(), wishes, known, chosen, device.value, precision.value,
        detect_size=detect_size, quality=quality, save_faces=save_faces, compiled=compiled,
        reference_photos=reference_photos,
    )  # fmt: skip
    asked = shared_photos.Asked(
        photos, output, recursive=recursive, include=include, exclude=exclude, watch=watch,
        fail_fast=fail_fast, engine=engine.value, workers=workers, report=report,
        overwrite=overwrite, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(shared_photos.go(session, asked))
