"""Run a model on every image below a folder; may be stopped, killed and resumed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import FinishReason, Job
from napari_medclf.domain.run import RunRecord, SkipKind
from napari_medclf.jobs.batch.options import BatchOptions, reduced_px
from napari_medclf.jobs.outputs.formats import check_formats

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.jobs.batch.planned import BatchPlan
    from napari_medclf.jobs.batch.survey import Survey


def batch(options: BatchOptions) -> Job[RunRecord]:
    """Run a model on a folder; one bad file never stops the rest, and each gets its reason.

    Raises
    ------
    CardError
        If there is no such model.
    ReadError
        If there is no such folder, or no image in it.
    OptionError
        If no image of it is to be run, or the results' folder belongs to another run.
    """
    from napari_medclf.jobs.batch.forecast import remember, sample_of
    from napari_medclf.jobs.batch.plan import look_through, plan_batch, sources_of
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.runs.case import RunPlan
    from napari_medclf.jobs.runs.cases import run_cases
    from napari_medclf.jobs.spec import spec_of

    package = find_model(options.model)
    check_formats(package.card.task, options.format)
    reduce_to_px = reduced_px(options, package)
    if options.dry_run:
        planned = yield from plan_batch(options)
        return _listing(planned, package, spec_of("batch", options))
    surveyed = yield from look_through(options)
    sources = sources_of(surveyed, reduce_to_px)
    if not sources.cases and not options.resume:
        raise OptionError(_nothing_left(surveyed, options))
    sample = sample_of(surveyed.rows)
    del surveyed  # it may be 100,000 rows, and the run needs them no more
    spec = spec_of("batch", options)
    plan = RunPlan(
        spec,
        package,
        options,
        options.out,
        options.format,
        options.resume,
        options.workers,
        reduce_to_px,
        scheduler=options.scheduler,
        writes_files=options.files,
        readers=options.readers,
    )
    record = yield from run_cases(plan, sources)
    # Times of other computers, and of cases that an earlier run did, say nothing of the next run here.
    if not (options.scheduler or options.resume):
        remember(package, options, sample, record)
    return record


def _nothing_left(surveyed: Survey, options: BatchOptions) -> str:
    first = next(row for row in surveyed.rows if row.record.skipped_as is not SkipKind.OTHER)
    return (
        f"{options.folder}: none of its images is to be run. {first.record.source}: {first.record.reason}. "
        "See all reasons with --dry-run."
    )


def _listing(planned: BatchPlan, package: ModelPackage, spec: RunSpec) -> RunRecord:
    """Say what a run would do; nothing is written."""
    return RunRecord(
        spec=spec,
        model=package.card.name,
        model_version=package.card.version,
        weights_sha256=package.card.weights_sha256,
        finish_reason=FinishReason.COMPLETED,
        message="Dry run: nothing was run or written.",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        elapsed_s=0.0,
        cases=tuple(row.record for row in planned.rows),
    )
