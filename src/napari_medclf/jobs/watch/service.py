"""Run what arrives complete, again and again, until somebody stops it; go on after a restart where it stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.events import FinishReason, Job, JobEvent, Noted, Warned
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.jobs.background import begin
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.outputs.names_file import write_names
from napari_medclf.jobs.runs.case import RunCase, RunPlan
from napari_medclf.jobs.runs.kept import input_digest
from napari_medclf.jobs.runs.pipeline import run_pipeline
from napari_medclf.jobs.runs.run_book import RunBook
from napari_medclf.jobs.triage.listing import finish_triage
from napari_medclf.jobs.watch.arrivals import Arrivals
from napari_medclf.jobs.watch.judge import Inspection, decide, inspect
from napari_medclf.jobs.watch.options import ServiceOptions
from napari_medclf.jobs.watch.send_on import SendOn
from napari_medclf.jobs.watch.state import ServiceState
from napari_medclf.jobs.watch.waiting import Unit, Waiting

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor

_LOOK_EVERY_S = 0.1
_TABLES_EVERY_S, _TABLES_SHARE = 1.0, 0.02
"""How often results.csv and run.json are written, and the share of the time that it may take, however long they are."""
_MOST_UNITS = 16
"""Run at once: reading, network and writing overlap within them."""
_WHY_NOT_SHOWN = 3
Result = TypeVar("Result")


class Service:
    """Runs what arrives.

    Parameters
    ----------
    plan : RunPlan
        With `answered_by`; `RunPlan.resume` must be true.
    loaded : Predictor
        The model.
    """

    def __init__(
        self, options: ServiceOptions, plan: RunPlan, loaded: Predictor, arrivals: Arrivals, clock: Callable[[], float]
    ) -> None:
        from napari_medclf.store.runs import RunFolder

        self._options, self._plan, self._loaded, self._arrivals = options, plan, loaded, arrivals
        self._now_s = clock
        self._state = ServiceState(plan.out, plan.answered_by)
        self._waiting = Waiting(options.settle, options.patience, self._state.handled(), arrivals.how_left)
        self._book = RunBook(plan, loaded.place)
        records = RunFolder(plan.out).records().values()
        self._names = {record.case_id.casefold(): record.source for record in records}
        self._sending = SendOn(options.send_to, plan.out, self._state) if options.send_to else None
        if self._sending is not None:
            self._sending.add(records)
        self._unconfirmed: list[tuple[str, str]] = []
        self._tables_s = 0.0

    def run(self, *, once: bool = False) -> Job[RunRecord]:
        """Go on until stopped; with `once`, until all that is there was dealt with."""
        try:
            yield from self._serve(once=once)
        except (GeneratorExit, KeyboardInterrupt):
            with suppress(WriteError):
                self._close(FinishReason.CANCELED, "Stopped.")
            raise
        except Exception as error:
            with suppress(WriteError):  # where results cannot be written, that is what ended the service
                self._close(FinishReason.FAILED, explain(error))
            raise
        record = self._close(FinishReason.COMPLETED, "")
        finish_triage(self._plan.out, self._plan.package)
        return record

    def _serve(self, *, once: bool) -> Job[None]:
        while True:
            yield from self._look()
            due = [unit for unit in self._waiting.due(self._now_s()) if not self._arrivals.is_open(unit.name)]
            for start in range(0, len(due), _MOST_UNITS):
                yield from self._deal_with(due[start : start + _MOST_UNITS])
                yield from self._look()
            if self._now_s() >= self._tables_s:
                self._confirm()
            if self._sending is not None and self._sending.is_time(self._now_s()):
                yield from self._sending.send(self._now_s())
            if once and not self._waiting.n_waiting:
                return
            if not due:
                yield self._standing()
                time.sleep(_LOOK_EVERY_S)

    def _look(self) -> Job[None]:
        events = yield from self._meanwhile(partial(self._arrivals.look, self._waiting, self._now_s()))
        yield from events

    def _standing(self) -> JobEvent:
        """Tell in one line what is going on; the same line is told once."""
        n_waiting = self._waiting.n_waiting
        parts = [f"{n_waiting} on the way"] if n_waiting else ["waiting for images"]
        parts += [f"{self._sending.n_due} results to be sent"] if self._sending and self._sending.n_due else []
        return Noted(", ".join(parts))

    def _deal_with(self, units: Sequence[Unit]) -> Job[None]:
        """Look at some units, and run those that are complete or were waited for long enough."""
        cases: list[RunCase] = []
        ripe: list[Inspection] = []
        for unit in units:
            if self._arrivals.is_open(unit.name) or not self._waiting.is_due(unit, self._now_s()):
                continue
            inspection = yield from self._inspect(unit)
            if inspection is None:
                continue
            if inspection.lacks and not self._waiting.is_out_of_patience(unit, self._now_s()):
                self._waiting.put_off(unit)
                yield self._wait_for(inspection)
                continue
            ripe.append(inspection)
            chosen = decide(inspection, self._options.incomplete)
            write_names(
                self._plan.out, [replace(one, case_id=self._name(one.case_id, one.shown)) for one in chosen.hidden]
            )
            for record in chosen.records:
                yield self._enter(self._named(record))
            cases += [self._case_named(case) for case in chosen.cases]
        missing = yield from self._missing(cases)
        if missing:
            yield from self._run(missing)
        for inspection in ripe:
            self._waiting.dealt_with(inspection.unit, inspection.signature)
            self._unconfirmed.append((inspection.unit.name, inspection.signature))

    def _inspect(self, unit: Unit) -> Job[Inspection | None]:
        signature = self._waiting.signature(unit)
        left = self._arrivals.how_left(unit.name)
        look = partial(inspect, unit, signature, self._arrivals.folder.absolute(), self._options, left=left)
        try:
            return (yield from self._meanwhile(look))
        except ReadError as error:  # it went while it was looked at
            yield Warned(str(error))
            self._waiting.dealt_with(unit, signature)
            return None

    def _wait_for(self, inspection: Inspection) -> JobEvent:
        left_s = max(self._waiting.due_s(inspection.unit) - self._now_s(), 0.0)
        what = "; ".join(dict.fromkeys(lack.sentence for lack in inspection.lacks[:_WHY_NOT_SHOWN]))
        name = inspection.surveyed.rows[0].record.case_id if inspection.surveyed.rows else inspection.unit.name
        return Warned(f"{name} seems to be incomplete: {what}. It is waited for, {left_s:.0f} s at most.")

    def _missing(self, cases: Sequence[RunCase]) -> Job[list[RunCase]]:
        """Leave out what was done before: the same image, model and options, with its files as they were written."""
        kept = yield from self._meanwhile(lambda: set(filter(self._is_kept, cases)))
        return [case for case in cases if case not in kept]

    def _is_kept(self, case: RunCase) -> bool:
        from napari_medclf.store.runs import RunFolder

        row = self._book.find(case.place)
        if row is None or (row.status, row.answered_by) != (CaseStatus.DONE, self._plan.answered_by):
            return False
        try:
            return RunFolder(self._plan.out).is_kept(row.record(), input_digest(case), self._plan.answered_by)
        except ReadError:  # the run says why
            return False

    def _run(self, cases: Sequence[RunCase]) -> Job[None]:
        job = run_pipeline(self._plan, self._loaded, cases, _Listening(self._book, self._entered))
        try:
            yield from job
        finally:
            job.close()

    def _enter(self, record: CaseRecord) -> JobEvent:
        event = self._book.enter(record)
        if record.status is CaseStatus.SKIPPED:
            return Noted(f"not run: {record.case_id}: {record.reason}")
        return event

    def _entered(self, record: CaseRecord) -> None:
        if self._sending is not None:
            self._sending.add([record])

    def _case_named(self, case: RunCase) -> RunCase:
        return replace(case, case_id=self._name(case.case_id, case.place))

    def _named(self, record: CaseRecord) -> CaseRecord:
        return record.model_copy(update={"case_id": self._name(record.case_id, record.source)})

    def _name(self, case_id: str, place: str) -> str:
        """Give a case a name that no case of an earlier unit has; the same case keeps its own."""
        if self._names.setdefault(case_id.casefold(), place) == place:
            return case_id
        longer = f"{case_id}-{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:8]}"
        self._names.setdefault(longer.casefold(), place)
        return longer

    def _confirm(self) -> None:
        """Bring the ledger to the disk and write the tables, then note that the units need not be looked at again."""
        if not self._unconfirmed:
            return
        began_s = self._now_s()
        self._book.write_results(FinishReason.CANCELED, "The service goes on.")
        self._tables_s = self._now_s() + max(_TABLES_EVERY_S, (self._now_s() - began_s) / _TABLES_SHARE)
        for name, signature in self._unconfirmed:
            self._state.note_handled(name, signature)
        self._unconfirmed = []

    def _close(self, reason: FinishReason, message: str) -> RunRecord:
        record = self._book.close(reason, message)
        for name, signature in self._unconfirmed:
            self._state.note_handled(name, signature)
        self._unconfirmed = []
        return record

    def _meanwhile(self, work: Callable[[], Result]) -> Job[Result]:
        """Do something on another thread, so that a stop never waits for it."""
        future = begin(work)
        while not wait([future], timeout=_LOOK_EVERY_S).done:
            yield self._standing()
        return future.result()


class _Listening:
    """A book that tells of each record, too."""

    def __init__(self, book: RunBook, tell: Callable[[CaseRecord], None]) -> None:
        self._book, self._tell = book, tell

    def begin(self, case: RunCase) -> None:
        self._book.begin(case)

    def enter(self, record: CaseRecord) -> JobEvent:
        event = self._book.enter(record)
        self._tell(record)
        return event
