"""Run one model over many images into a run folder; shared by `predict` and `batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_medclf.domain.events import CaseFailed, FinishReason, Job, Progress
from napari_medclf.domain.run import RunRecord
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.predict import load_package
from napari_medclf.jobs.runs.case import RunCase, RunPlan, refused
from napari_medclf.jobs.runs.pipeline import run_pipeline
from napari_medclf.jobs.runs.run_book import RunBook

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.sources import Sources


def run_cases(plan: RunPlan, sources: Sources) -> Job[RunRecord]:
    """Run a model on every image; what fails is recorded with its reason, and the rest goes on.

    Each case is on disk and in the ledger before the next begins. However the run ends, unless it
    is killed, ``results.csv`` and ``run.json`` say what was done.
    """
    from napari_medclf.store.runs import RunFolder

    finished = RunFolder(plan.out).finished()
    missing = [case for case in sources.cases if case.place not in finished]
    yield Progress(0, len(sources.cases), f"loading {plan.package.name}")
    # Before the folder is made: a damaged model or a missing device must leave nothing behind.
    loaded = load_package(plan.package, plan.options, len(missing)) if missing else None
    run = RunFolder.start(plan.out, plan.spec, weights_sha256=plan.package.card.weights_sha256, resume=plan.resume)
    book = RunBook(plan, run, [refused(one) for one in sources.refusals], loaded.place if loaded else "")
    reason, message = FinishReason.FAILED, ""
    try:
        for one in book.refused:
            yield CaseFailed(one.case_id, plan.out, one.reason)
        if loaded is not None:
            yield from _run_missing(plan, loaded, book, missing, len(sources.cases))
        reason = FinishReason.COMPLETED
    except (GeneratorExit, KeyboardInterrupt):
        reason, message = FinishReason.CANCELED, "Canceled."
        raise
    except Exception as error:
        message = explain(error)
        raise
    finally:
        record = book.close(sources.cases, reason, message)
    return record


def _run_missing(plan: RunPlan, loaded: Predictor, book: RunBook, missing: Sequence[RunCase], total: int) -> Job[None]:
    n_before = total - len(missing)
    if n_before:
        yield Progress(n_before, total, f"{n_before} were done before")
    if plan.workers > 1 and len(missing) > 1:
        from napari_medclf.jobs.runs.pool import run_in_pool

        yield from run_in_pool(plan, missing, book.enter, n_before)
        return
    yield from _after(run_pipeline(plan, loaded, missing, book), n_before, total)


def _after(job: Job[None], n_before: int, total: int) -> Job[None]:
    """Run a job whose progress begins after what was done before."""
    try:
        for event in job:
            yield Progress(n_before + event.done, total, event.message) if isinstance(event, Progress) else event
    finally:
        job.close()
