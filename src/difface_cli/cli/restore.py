"""`difface restore`: the faces of photos, restored and pasted back."""

from __future__ import annotations

import typer

from difface_cli.cli import folder_options as tree
from difface_cli.cli import options as shared
from difface_cli.trust import gate as gates


def register(app: typer.Typer) -> None:
    """Add `difface restore`."""
    app.command("restore")(restore)


def restore(
    photos: tree.PhotosOrFolders,
    output: shared.Output = None,
    recursive: tree.Recursive = False,
    include: tree.Include = [],  # noqa: B006  # Typer makes a new one each time
    exclude: tree.Exclude = [],  # noqa: B006
    watch: tree.Watch = False,
    fail_fast: tree.FailFast = False,
    engine: tree.EngineOption = tree.Engine.local,
    workers: tree.Workers = 0,
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
    from difface_cli.cli import batches, folders, outputs, referring, restoring, values
    from difface_cli.models import max_n, resolve_device, resolve_precision
    from difface_cli.runs.trees import Wish
    from difface_cli.tasks import options
    from difface_cli.weights import registry

    known = registry.load(models)
    chosen = known.model(model, "restore")
    asked, auto_n = values.n(n, auto=chosen.auto_n)
    wishes = options.Options(
        settings=options.settings(
            chosen, asked, steps, eta, sampler.value if sampler else None, fast=fast
        ),
        seed=seed,
        samples=samples,
        auto_n=auto_n,
        choose=choose.value if choose else "",
        strength=strength,
        aligned=aligned,
        faces=faces,
        min_face=min_face,
        upscale=upscale,
        gray=gray.value,
        batch=values.batch(batch),
        keep_detail=keep_detail,
        grain=grain,
        gate=gates.FORCE if force else gate.value,
        trust=trust,
    )
    chosen = restoring.choose_parts(
        known,
        chosen,
        estimator=estimator,
        detector=detector,
        parser=parser,
        background=background,
    )
    options.check(wishes, chosen.name, max_n(known, chosen))
    if background and upscale == 1:
        raise UsageError(
            "--background enlarges the photo, and --upscale is 1.", "Add --upscale 2 or 4."
        )
    if reference_photos and choose is not shared.Choose.identity:
        raise UsageError(
            "--reference-photos choose by identity.", "Add --choose identity --samples 4."
        )
    place = resolve_device(device.value)
    session = restoring.Session(
        registry=known,
        model=chosen,
        device=place,
        dtype=resolve_precision(precision.value, place),
        options=wishes,
        detect_size=detect_size,
        quality=quality,
        save_faces=save_faces,
        compiled=compiled,
        as_json=as_json,
        references=referring.photos_in(reference_photos) if reference_photos else (),
    )
    if not batches.wanted(photos, recursive, watch, include, exclude, engine == tree.Engine.ray):
        jobs = outputs.plan(
            photos,
            output,
            samples=wishes.results,
            report=report,
            overwrite=overwrite,
            preview=dry_run,
        )
        raise typer.Exit(restoring.run(jobs, session, dry_run=dry_run, fail_fast=fail_fast))
    run = batches.Batch(
        sources=photos,
        wish=Wish(recursive, tuple(include), tuple(exclude)),
        output=batches.folder(output),
        samples=wishes.results,
        report=report,
        overwrite=overwrite,
        preview=dry_run,
        save_faces=save_faces,
        fail_fast=fail_fast,
        watch=watch,
    )
    raise typer.Exit(folders.run(run, session, engine=engine.value, workers=workers))
