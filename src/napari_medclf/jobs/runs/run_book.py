"""The book of a run in its folder: every case as it ends, and the tables that are made of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, JobEvent
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord

if TYPE_CHECKING:
    from napari_medclf.jobs.runs.case import RunCase, RunPlan
    from napari_medclf.store.runs import RunFolder


class RunBook:
    """What was done so far, on disk and in memory; see `book.Book`."""

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
