"""Run one model over many images into a run folder; shared by `predict` and `batch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.events import CaseFailed, FinishReason, Job, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord, SkipKind
from napari_medclf.free_memory import give_back
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.outputs.names_file import write_names
from napari_medclf.jobs.predict import load_package
from napari_medclf.jobs.runs.case import RunCase, RunPlan, refused
from napari_medclf.jobs.runs.faults import check_outputs
from napari_medclf.jobs.runs.kept import find_kept
from napari_medclf.jobs.runs.pipeline import run_pipeline
from napari_medclf.jobs.runs.run_book import RunBook, answer_digest, check_out
from napari_medclf.jobs.triage.listing import finish_triage

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.book import Executor
    from napari_medclf.jobs.runs.sources import Sources


def run_cases(plan: RunPlan, sources: Sources) -> Job[RunRecord]:
    """Run a model on every image; what fails is recorded with its reason, and the rest goes on.

    What an earlier run did is kept where image, model and options are the same and the files are whole (`find_kept`).
    Each case is on disk and in the ledger when its event comes. However the run ends, unless it is killed,
    ``results.csv`` and ``run.json`` say what was done; of one that came to its end ``triage.csv`` and ``report.html``
    say which answers to look at first.
    """
    check_out(plan)
    plan = replace(plan, answered_by=plan.answered_by or answer_digest(plan))
    kept = (yield from find_kept(plan.out, sources.cases, plan.answered_by)) if plan.resume else {}
    missing = [case for case in sources.cases if case.place not in kept]
    yield Progress(0, len(sources.cases), f"loading {plan.package.name}")
    # Before the folder is made: a damaged model or a missing device must leave nothing behind.
    loaded = (yield from _load(plan, len(missing))) if missing else None
    book = RunBook(plan, loaded.place if loaded else "")
    try:
        book.plan(_planned(sources, kept))
        write_names(plan.out, sources.hidden)
        for one in _skipped(sources):
            if one.skipped_as is SkipKind.REFUSED:
                yield CaseFailed(one.case_id, plan.out, one.reason)
        if missing:
            yield from _run_missing(plan, loaded, book, missing, len(sources.cases))
    except (GeneratorExit, KeyboardInterrupt):
        with suppress(WriteError):
            book.close(FinishReason.CANCELED, "Canceled.")
        raise
    except Exception as error:
        with suppress(WriteError):  # where results cannot be written, that is what ended the run
            book.close(FinishReason.FAILED, explain(error))
        if not isinstance(error, WriteError):
            check_outputs(plan.out, error)
        raise
    record = book.close(FinishReason.COMPLETED)
    finish_triage(plan.out, plan.package)
    give_back()
    return record


def _planned(sources: Sources, kept: Mapping[str, CaseRecord]) -> Iterator[CaseRecord]:
    """Give the rows that the ledger begins with."""
    yield from _skipped(sources)
    for case in sources.cases:
        pending = CaseRecord(
            case_id=case.case_id, source=case.place, status=CaseStatus.PENDING, reason=printable(case.reason)
        )
        yield kept.get(case.place, pending)


def _skipped(sources: Sources) -> Iterator[CaseRecord]:
    """Give the rows of all that was found and is not run."""
    yield from sources.skipped
    yield from map(refused, sources.refusals)


def _load(plan: RunPlan, n_images: int) -> Job[Predictor | None]:
    """Load the model where this process computes; else only make sure of it, for its workers load it."""
    if not plan.is_shared:
        return load_package(plan.package, plan.options, n_images)
    from napari_medclf.jobs.runs.cluster.briefing import check_model

    yield from check_model(plan.package)
    return None


def _run_missing(
    plan: RunPlan, loaded: Predictor | None, book: RunBook, missing: Sequence[RunCase], total: int
) -> Job[None]:
    n_before = total - len(missing)
    if n_before:
        yield Progress(n_before, total, f"{n_before} were done before")
    execute: Executor = run_pipeline
    if plan.is_shared:
        from napari_medclf.jobs.runs.cluster.run import run_on_cluster

        execute = run_on_cluster
    yield from _after(execute(plan, loaded, missing, book), n_before, total)


def _after(job: Job[None], n_before: int, total: int) -> Job[None]:
    """Run a job whose progress begins after what was done before."""
    try:
        for event in job:
            yield Progress(n_before + event.done, total, event.message) if isinstance(event, Progress) else event
    finally:
        job.close()
