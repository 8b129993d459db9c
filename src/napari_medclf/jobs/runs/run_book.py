"""The book of a run, kept in its ledger: what every way of running cases writes to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, JobEvent
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.jobs.runs.case import RunCase, RunPlan

if TYPE_CHECKING:
    from napari_medclf.store.runs import LedgerRow


class RunBook:
    """Begins a run in its folder, or goes on with it; until `close`, no other process writes there.

    Raises
    ------
    OptionError
        If the folder holds another run, a run that nobody wants to resume, or one that is going on.
    OutputsLost
        If the folder cannot be written.
    """

    def __init__(self, plan: RunPlan, device: str = "") -> None:
        from napari_medclf.store.runs import LedgerRun, RunLeader

        card = plan.package.card
        run = LedgerRun(
            spec=plan.spec,
            model=card.name,
            model_version=card.version,
            weights_sha256=card.weights_sha256,
            answered_by=plan.answered_by,
            card=card.model_dump(mode="json"),
            device=device or plan.options.device,
        )
        self._leader = RunLeader.start(plan.out, run, resume=plan.resume)
        self._begun: dict[str, Path] = {}

    def plan(self, records: Iterable[CaseRecord]) -> None:
        """Say which cases the run is about, in their order: PENDING what is to be run, the others as they stand.

        Rows of cases that are not among them are kept as SKIPPED.
        """
        self._leader.plan(records)

    def find(self, source: str) -> LedgerRow | None:
        """The row of one case; None where there is none."""
        return self._leader.find(source)

    def begin(self, case: RunCase) -> None:
        """Write down that somebody works on a case; see `book.Book`."""
        self._leader.begin(case.case_id, case.place)
        self._begun[case.place] = case.source.path

    def enter(self, record: CaseRecord) -> JobEvent:
        """Write down how a case ended, its outputs being on disk, and give what to tell about it."""
        self._leader.enter(record)
        path = self._begun.pop(record.source, Path(record.source))
        if record.status is CaseStatus.DONE:
            return CaseDone(record.case_id, path, record)
        return CaseFailed(record.case_id, path, record.reason)

    def write_results(self, reason: FinishReason, message: str = "") -> RunRecord:
        """Write ``results.csv`` and ``run.json`` from the ledger, and go on."""
        return self._leader.write_results(reason, message)

    def close(self, reason: FinishReason, message: str = "") -> RunRecord:
        """Write ``results.csv`` and ``run.json`` from the ledger, and let go of it.

        Raises
        ------
        OutputsLost
            If they cannot be written; it is let go of all the same.
        """
        return self._leader.finish(reason, message)


def answer_digest(plan: RunPlan) -> str:
    """Digest of what decides the answers of a run, beside its images; see `store.runs.answered_by`."""
    from napari_medclf.store.runs import answered_by

    card = plan.package.card
    return answered_by(plan.spec, card.weights_sha256, card.model_dump(mode="json"))


def check_out(plan: RunPlan) -> None:
    """Refuse a folder of results that `RunBook` would refuse, before anything is read or loaded.

    Raises
    ------
    OptionError
        If it holds another run, a run that nobody wants to resume, or one that is going on.
    """
    from napari_medclf.store.runs import check_folder

    check_folder(plan.out, plan.spec, resume=plan.resume)
