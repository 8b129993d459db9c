"""`medclf batch`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from napari_medclf.cli.command import Command, exit_code
from napari_medclf.cli.plan_text import plan_lines
from napari_medclf.cli.run_text import run_document, run_exit_code, run_lines
from napari_medclf.domain.events import Job, Outcome
from napari_medclf.domain.run import RunRecord
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.batch.planned import BatchPlan
from napari_medclf.jobs.json_text import plain


def _start(options: BatchOptions) -> Job[RunRecord | BatchPlan]:
    """Run, or say what would be run."""
    if not options.dry_run:
        return (yield from batch(options))
    from napari_medclf.jobs.batch.plan import plan_batch

    return (yield from plan_batch(options))


def _document(result: RunRecord | BatchPlan) -> Mapping[str, Any]:
    if isinstance(result, RunRecord):
        return run_document(result)
    document: dict[str, Any] = plain(result.as_document())
    return document


def _show(result: RunRecord | BatchPlan) -> Iterable[str]:
    return run_lines(result) if isinstance(result, RunRecord) else plan_lines(result)


def _exit_code(outcome: Outcome[RunRecord | BatchPlan]) -> int:
    if isinstance(outcome.result, BatchPlan):
        return exit_code(outcome)
    return run_exit_code(cast("Outcome[RunRecord]", outcome))


COMMAND: Command[BatchOptions, RunRecord | BatchPlan] = Command(BatchOptions, _start, _document, _show, _exit_code)
