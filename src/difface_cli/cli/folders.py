"""`difface restore` over folders: restoring, with the books that a run over folders keeps."""

from __future__ import annotations

from dataclasses import replace

from difface_cli.cli import batches, distributing, restoring
from difface_cli.cli.accounts import Account
from difface_cli.cli.batches import Batch
from difface_cli.cli.outputs import Job
from difface_cli.cli.restoring import Session
from difface_cli.runs import manifest


def run(batch: Batch, session: Session, *, engine: str = "local", workers: int = 0) -> int:
    """Restore what is left of folders, see `batches.run`; a dry run looks at all of it.

    Args:
        engine: "local", or "ray" for the workers of `distributing`.
        workers: how many of them, 0 for what there is room for.
    """
    if batch.preview:
        jobs = batches.plan(batch)
        return restoring.run(jobs, session, dry_run=True, fail_fast=batch.fail_fast)
    session = replace(session, timeless=True)
    batch = replace(batch, settings=fingerprint(session, batch.report))

    def do(jobs: list[Job], account: Account) -> None:
        if engine == "ray":
            distributing.do(jobs, session, account, workers)
            return
        _ = session.ready  # a model that is missing is no failure of the first photo
        restoring.do(jobs, session, account)

    return batches.run(batch, do, quiet=session.as_json)


def fingerprint(session: Session, report: bool) -> str:
    """A hash of all that bears on the results, but not of where they are computed."""
    registry, model = session.registry, session.model
    return batches.fingerprint(
        model,
        [registry.part(model, part) for part in sorted(model.parts)],
        str(session.dtype),
        session.compiled,
        replace(session.options, batch=0),
        [manifest.sha256(path) for path in session.references],
        session.detect_size,
        session.quality,
        session.save_faces,
        report,
    )
