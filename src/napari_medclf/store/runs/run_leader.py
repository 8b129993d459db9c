"""The process that leads a run: it begins or goes on, keeps the ledger, and writes the results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_medclf.atomic import atomic_write_parts, sweep
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord, RunSpec
from napari_medclf.store.results_csv import results_csv
from napari_medclf.store.runs.case_files import recover, remove_files
from napari_medclf.store.runs.faults import storing
from napari_medclf.store.runs.folder import CASES, RESULTS, RUN, RunFolder
from napari_medclf.store.runs.leader import FLUSH_S, LedgerLeader, led_by_another
from napari_medclf.store.runs.ledger import Ledger
from napari_medclf.store.runs.row import LedgerRow, LedgerRun

_OLDER = "ledger.jsonl"
_ENDED = (CaseStatus.DONE, CaseStatus.FAILED, CaseStatus.SKIPPED)


class RunLeader:
    """Keeps the ledger of one run; `start` it, and `finish` or `close` it however the run ends."""

    def __init__(self, folder: Path, ledger: LedgerLeader, run: LedgerRun) -> None:
        self.folder = RunFolder(folder)
        self._ledger = ledger
        self._run = run
        self._started_s = time.perf_counter()

    @classmethod
    def start(cls, folder: Path, run: LedgerRun, *, resume: bool = False, flush_s: float = FLUSH_S) -> RunLeader:
        """Begin a run, or go on with the one that is there.

        Parameters
        ----------
        run : LedgerRun
            What is run, with which model.
        flush_s : float
            As in `LedgerLeader`.

        Raises
        ------
        OptionError
            If a run is there and `resume` is False, it was made by another command, or another process leads it.
        OutputsLost
            If the folder cannot be written.
        """
        check_folder(folder, run.spec, resume=resume)
        ledger = LedgerLeader(folder, flush_s)
        try:
            started = datetime.now(UTC).isoformat(timespec="seconds")
            leader = cls(folder, ledger, run.model_copy(update={"started": started}))
            with storing(folder):
                recover(folder / CASES)
                for path in (folder, *(path for path in (folder / CASES).rglob("*") if path.is_dir())):
                    sweep(path)
                (folder / RUN).unlink(missing_ok=True)  # it told how the run ended before
            ledger.write_run(leader._run)
        except BaseException:
            ledger.close()
            raise
        return leader

    def plan(self, records: Iterable[CaseRecord]) -> None:
        """Say which cases the run is about; see `LedgerLeader.plan`."""
        self._ledger.plan(records)

    def begin(self, case_id: str, source: str, input_sha256: str = "") -> None:
        """Write down that a case is begun; see `LedgerLeader.begin`."""
        self._ledger.begin(case_id, source, input_sha256)

    def enter(self, record: CaseRecord) -> None:
        """Write down where a case stands, its outputs being on disk; see `LedgerLeader.enter`.

        Files of an earlier answer that the new one has not are removed first.
        """
        if record.status in _ENDED:
            left_over = self._ledger.left_over.pop(record.source, {})
            remove_files(self.folder.folder, left_over.keys() - record.outputs.keys())
        self._ledger.enter(record)

    def rows(self) -> list[LedgerRow]:
        """Every case's row in the order of the run."""
        return self._ledger.rows()

    def find(self, source: str) -> LedgerRow | None:
        """The row of one case; None where there is none."""
        return self._ledger.find(source)

    def write_results(self, reason: FinishReason, message: str = "") -> RunRecord:
        """Say how the run stands, and write ``results.csv`` and ``run.json`` from the ledger.

        Returns
        -------
        RunRecord
            As written: without traits, of which there are many; `RunFolder.record` has them.

        Raises
        ------
        OutputsLost
            If they cannot be written.
        """
        changes: dict[str, Any] = {"finish_reason": reason.value, "message": message}
        changes |= {"elapsed_s": time.perf_counter() - self._started_s}
        self._ledger.write_run(self._run.model_copy(update=changes))
        self._ledger.flush()
        with storing(self.folder.folder):
            atomic_write_parts(self.folder.folder / RESULTS, results_csv(self.folder.head(), self._each_case))
            atomic_write_parts(self.folder.folder / RUN, _record_json(self.folder.head(), self._each_case()))
        return self.folder.record(with_traits=False)

    def _each_case(self) -> Iterator[CaseRecord]:
        return self.folder.each_case(with_traits=False)

    def finish(self, reason: FinishReason, message: str = "") -> RunRecord:
        """Do as `write_results`, with what was begun and not ended as pending, and let go of the ledger.

        Raises
        ------
        OutputsLost
            If the results cannot be written; the ledger is let go of all the same.
        """
        try:
            for row in self._ledger.running():
                self._ledger.enter(row.record().model_copy(update={"status": CaseStatus.PENDING}))
            return self.write_results(reason, message)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the ledger without saying how the run ended; once more does nothing."""
        self._ledger.close()


def check_folder(folder: Path, spec: RunSpec, *, resume: bool) -> None:
    """Refuse a folder that holds another run, one that nobody wants to go on with, or one that is going on.

    Raises
    ------
    OptionError
        Saying what to do.
    """
    run = Ledger(folder).find_run()
    if run is None:
        if (folder / _OLDER).exists():
            raise OptionError(f"{folder}: holds a run by an older version of this program. Choose another folder.")
        return
    if not resume:
        raise OptionError(f"{folder}: holds a run already. Say --resume to go on with it, or choose another folder.")
    if run.spec.command != spec.command:
        raise OptionError(
            f"{folder}: the run there is by another command ({run.spec.command}); its results would be mixed. Choose "
            "another folder."
        )
    if Ledger(folder).is_led():
        raise OptionError(led_by_another(folder))


def _record_json(head: RunRecord, cases: Iterable[CaseRecord]) -> Iterator[str]:
    """Give ``run.json``, a case a line."""
    yield head.model_dump_json(indent=1).removesuffix("]\n}")
    number = 0
    for number, case in enumerate(cases, start=1):
        yield (",\n  " if number > 1 else "\n  ") + case.model_dump_json()
    yield "\n ]\n}\n" if number else "]\n}\n"
