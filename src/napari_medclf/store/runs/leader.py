"""The one process that writes a run's ledger."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_medclf.domain.errors import OptionError, OutputsLost
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.store.file_lock import FileLock
from napari_medclf.store.runs.faults import gone, make_run_folder, storing
from napari_medclf.store.runs.row import LedgerRow, LedgerRun, storable
from napari_medclf.store.runs.tables import (
    LEDGER,
    LOCK,
    TAIL,
    connect,
    read_outputs,
    read_rows,
    read_run,
    transaction,
    write_rows,
    write_run,
)
from napari_medclf.store.runs.tail import Tail, read_tail

FLUSH_S = 1.0
_FLUSH_SHARE = 0.02
"""Of the time at most; where flushing is slow, as on a network share, it is done less often."""
_PATIENCE_S = 0.5
_MOST_LINES = 2_000
"""Of the tail, which readers read as a whole."""
_GONE = "It is no longer among the images of this run; what was written for it before is kept."


class LedgerLeader:
    """Writes the ledger while it holds the lock; every call is safe from any thread.

    Each row is a line in the tail when a call returns, which a kill cannot take. About once a second the rows go into
    SQLite and are flushed to the disk: a power cut takes what came after that, and damages nothing.

    Parameters
    ----------
    flush_s : float
        How often rows are flushed; 0 with every call.

    Attributes
    ----------
    left_over : dict
        Source to the outputs of an earlier answer, of cases that are to be done again.

    Raises
    ------
    OptionError
        If another process leads the run, or the ledger is of a newer version.
    OutputsLost
        If the folder cannot be written.
    """

    def __init__(self, folder: Path, flush_s: float = FLUSH_S) -> None:
        self.folder = folder
        self._flush_s = flush_s
        self._mutex = threading.Lock()
        self._is_in_use = threading.Lock()  # the connection; taken after the mutex, never before it
        self._places: dict[str, _Place] = {}
        self.left_over: dict[str, dict[str, str]] = {}
        self._unflushed: dict[str, LedgerRow] = {}
        self._fault: OutputsLost | None = None
        self._is_closing = threading.Event()
        make_run_folder(folder)
        with storing(folder):
            self._lock = _lock(folder)
            try:
                self._open()
            except BaseException:
                self._lock.free(remove=True)
                raise
        self._flusher = threading.Thread(target=self._flush_on_time, name="ledger", daemon=True)
        if flush_s > 0:
            self._flusher.start()

    def read_run(self) -> LedgerRun | None:
        """What the ledger says of the run; None where it is new."""
        with self._writing(), self._is_in_use:
            return read_run(self._connection)

    def write_run(self, run: LedgerRun) -> None:
        """Say what is run; flushed when it returns."""
        with self._writing(), self._is_in_use, transaction(self._connection):
            write_run(self._connection, run)

    def plan(self, records: Iterable[CaseRecord]) -> None:
        """Say which cases the run is about, in their order; flushed when it returns.

        A record that is PENDING is to be run; others are written as they are. Rows that the ledger has beyond these
        are kept as SKIPPED, with the reason, behind the others. A row keeps the outputs of an earlier answer until its
        case ends anew; until then they are in `left_over`.
        """
        with self._writing():
            self._flush()
            before, self._places = self._places, {}
            with self._is_in_use:
                self.left_over = read_outputs(self._connection)
                with transaction(self._connection):
                    write_rows(self._connection, self._planned(records, before))
                    write_rows(self._connection, self._gone(before))

    def begin(self, case_id: str, source: str, input_sha256: str = "") -> None:
        """Write down that a case is begun.

        Raises
        ------
        OutputsLost
            If it cannot be written.
        """
        record = CaseRecord(
            case_id=case_id,
            source=source,
            status=CaseStatus.RUNNING,
            input_sha256=input_sha256,
            outputs=self.left_over.get(source, {}),
        )
        with self._writing():
            place = self._place_of(source)
            place.attempt += 1
            place.started = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._enter(record)

    def enter(self, record: CaseRecord) -> None:
        """Write down where a case stands; its outputs are on the disk by now.

        Raises
        ------
        OutputsLost
            If it cannot be written.
        """
        with self._writing():
            self._enter(storable(record))

    def find(self, source: str) -> LedgerRow | None:
        """The row of one case; None where there is none."""
        with self._writing():
            if source in self._unflushed:
                return self._unflushed[source]
            with self._is_in_use:
                return next(iter(read_rows(self._connection, "WHERE source = ?", [source])), None)

    def rows(self) -> list[LedgerRow]:
        """Every case's row in the order of the run."""
        with self._writing():
            self._flush()
            with self._is_in_use:
                return read_rows(self._connection)

    def running(self) -> list[LedgerRow]:
        """The cases that were begun and have not ended."""
        with self._writing():
            self._flush()
            with self._is_in_use:
                return read_rows(self._connection, "WHERE status = ?", [CaseStatus.RUNNING.value])

    def flush(self) -> None:
        """Bring everything to the disk."""
        with self._writing():
            self._flush()

    def close(self) -> None:
        """Flush, and let another process lead; once more does nothing.

        Raises
        ------
        OutputsLost
            If not everything came to the disk; the tail keeps it for the next one.
        """
        if not self._lock.is_held:
            return
        self._is_closing.set()
        if self._flusher.is_alive():
            self._flusher.join()
        try:
            with self._mutex, storing(self.folder):
                is_flushed = False
                try:
                    self._flush()
                    is_flushed = True
                    self._connection.execute("PRAGMA journal_mode=DELETE")
                finally:
                    self._connection.close()
                    self._tail.close(remove=is_flushed)
        finally:
            self._lock.free(remove=True)

    def _open(self) -> None:
        self._tail = Tail(self.folder / TAIL)
        try:
            self._connection = connect(self.folder / LEDGER)
        except BaseException:
            self._tail.close(remove=False)
            raise
        try:
            self._take_over()
        except BaseException:
            self._connection.close()
            self._tail.close(remove=False)
            raise

    def _take_over(self) -> None:
        """Bring into SQLite what a killed process left in the tail."""
        left = read_tail(self.folder / TAIL)
        (self._seq,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM cases").fetchone()
        newer = [row for row in left.values() if row.seq > self._seq]  # a flush takes all of the tail or nothing
        if newer:
            with transaction(self._connection):
                write_rows(self._connection, newer)
        self._tail.clear()
        self._seq = max((row.seq for row in newer), default=self._seq)
        found = self._connection.execute("SELECT source, position, attempt, started FROM cases ORDER BY position")
        self._places = {source: _Place(*place) for source, *place in found}

    def _row(self, record: CaseRecord, before: _Place | None = None) -> LedgerRow:
        """Give a record its place and the history of its source."""
        place = self._place_of(record.source)
        if before is not None:
            place.attempt, place.started = before.attempt, before.started
        self._seq += 1
        history = {"position": place.position, "started": place.started, "attempt": place.attempt, "seq": self._seq}
        fields = {name: getattr(record, name) for name in CaseRecord.model_fields}
        return LedgerRow.model_construct(**fields, **history)  # checked when the record was made

    def _place_of(self, source: str) -> _Place:
        return self._places.setdefault(source, _Place(len(self._places)))

    def _planned(self, records: Iterable[CaseRecord], before: dict[str, _Place]) -> Iterator[LedgerRow]:
        for record in records:
            outputs = record.outputs or self.left_over.get(record.source, {})
            if record.status is not CaseStatus.PENDING:
                self.left_over.pop(record.source, None)
            yield self._row(record.model_copy(update={"outputs": outputs}), before.pop(record.source, None))

    def _gone(self, places: Mapping[str, _Place]) -> Iterator[LedgerRow]:
        for source, place in places.items():
            (row,) = read_rows(self._connection, "WHERE source = ?", [source])
            record = row.record().model_copy(
                update={"status": CaseStatus.SKIPPED, "reason": _GONE, "skipped_as": SkipKind.GONE}
            )
            yield self._row(record, place)

    def _enter(self, record: CaseRecord) -> None:
        row = self._row(record)
        self._tail.append(row)
        self._unflushed[row.source] = row
        if self._flush_s == 0:
            self._flush()

    def _flush(self) -> None:
        with self._is_in_use:
            if self._tail.n_lines:
                self._write(self._unflushed)
                self._tail.clear()
            self._unflushed = {}

    def _flush_on_time(self) -> None:
        wait_s = self._flush_s
        while not self._is_closing.wait(wait_s):
            began_s = time.perf_counter()
            with suppress(OutputsLost):  # it is told by the next call
                if self._tail.n_lines > _MOST_LINES:
                    self.flush()
                else:
                    self._flush_beside()
            wait_s = max(self._flush_s, (time.perf_counter() - began_s) / _FLUSH_SHARE)

    def _flush_beside(self) -> None:
        """Flush while others go on entering rows; the tail keeps its lines, which SQLite then has, too."""
        with self._writing():
            self._is_in_use.acquire()
            flushing, self._unflushed = self._unflushed, {}
        try:
            with storing(self.folder):
                self._write(flushing)
        except OutputsLost as fault:
            with self._mutex:
                self._unflushed = flushing | self._unflushed
                self._fault = self._fault or fault
        finally:
            self._is_in_use.release()

    def _write(self, rows: Mapping[str, LedgerRow]) -> None:
        if not rows:
            return
        if not (self.folder / LEDGER).is_file():
            raise gone(self.folder)
        with transaction(self._connection):
            write_rows(self._connection, rows.values())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the mutex; after a fault every call tells it, so that no row follows one that was lost."""
        with self._mutex:
            if self._fault is not None:
                raise self._fault
            try:
                with storing(self.folder):
                    yield
            except OutputsLost as fault:
                self._fault = fault
                raise


@dataclass
class _Place:
    """Where a case stands in the run, and what was done about it."""

    position: int
    attempt: int = 0
    started: str = ""


def _lock(folder: Path) -> FileLock:
    """Take the lock of a run's folder and write into it who has it."""
    lock = FileLock(folder / LOCK)
    until_s = time.monotonic() + _PATIENCE_S
    while not lock.take(wait=False):  # a reader that asks whether it is taken holds it for a moment
        if time.monotonic() > until_s:
            raise OptionError(led_by_another(folder))
        time.sleep(0.05)
    with suppress(OSError):  # Windows keeps even its holder from writing through another descriptor
        lock.path.write_text(f"process {os.getpid()} on {socket.gethostname()}")
    return lock


def led_by_another(folder: Path) -> str:
    """Say who leads the run of a folder, as far as the system tells."""
    try:
        text = (folder / LOCK).read_text()
    except (OSError, ValueError):  # Windows keeps a locked file from readers
        text = ""
    holder = f" ({text})" if text and text.isprintable() else ""
    return f"{folder}: another run is writing there{holder}. Wait for it, stop it, or choose another folder."
