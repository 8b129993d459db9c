"""Run one model over many images into a run folder; shared by `predict` and `batch`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, Job, JobEvent, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.nested import within
from napari_medclf.jobs.predict import load_package
from napari_medclf.jobs.runs.case import RunCase, RunPlan, refused
from napari_medclf.jobs.runs.read_ahead import read_ahead
from napari_medclf.jobs.runs.stages import run_case

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.sources import Sources
    from napari_medclf.store.runs import RunFolder


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
    book = _Book(plan, run, [refused(one) for one in sources.refusals], loaded.place if loaded else "")
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


class _Book:
    """What was done so far, on disk and in memory."""

    def __init__(self, plan: RunPlan, run: RunFolder, refusals: Sequence[CaseRecord], device: str) -> None:
        self.refused = refusals
        self._device = device or plan.options.device
        self._plan, self._run = plan, run
        self._by_source = run.finished()
        self._begun: dict[str, Path] = {}
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._started_s = time.perf_counter()

    def begin(self, case: RunCase) -> None:
        """Remember whose image it is."""
        self._begun[case.case_id] = case.source.path

    def enter(self, record: CaseRecord) -> JobEvent:
        """Write down how a case ended; returns what to tell about it."""
        self._run.record(record)
        self._by_source[record.source] = record
        path = self._begun.pop(record.case_id, Path(record.source))
        if record.status is CaseStatus.DONE:
            return CaseDone(record.case_id, path, record)
        return CaseFailed(record.case_id, path, record.reason)

    def close(self, cases: Iterable[RunCase], reason: FinishReason, message: str) -> RunRecord:
        """Write ``results.csv`` and ``run.json``, cases in the order of the folder."""
        card = self._plan.package.card
        ended = (self._by_source.get(case.place) for case in cases)
        record = RunRecord(
            spec=self._plan.spec,
            model=card.name,
            model_version=card.version,
            weights_sha256=card.weights_sha256,
            device=self._device,
            finish_reason=reason,
            message=message,
            started=self._started,
            elapsed_s=time.perf_counter() - self._started_s,
            cases=(*self.refused, *(one for one in ended if one is not None)),
        )
        self._run.finish(record)
        return record


def _run_missing(plan: RunPlan, loaded: Predictor, book: _Book, missing: Sequence[RunCase], total: int) -> Job[None]:
    n_before = total - len(missing)
    if n_before:
        yield Progress(n_before, total, f"{n_before} were done before")
    if plan.workers > 1 and len(missing) > 1:
        from napari_medclf.jobs.runs.pool import run_in_pool

        yield from run_in_pool(plan, missing, book.enter, n_before)
        return
    for position, case in enumerate(read_ahead(missing), start=n_before):
        yield Progress(position, total, case.case_id)
        book.begin(case)
        record = yield from within(run_case(plan, loaded, case), position, total, case.case_id)
        yield book.enter(record)
