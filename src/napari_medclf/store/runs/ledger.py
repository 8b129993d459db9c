"""The ledger of a run as anybody may read it, also while the run goes on and on a disk that cannot be written."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.store.file_lock import FileLock
from napari_medclf.store.runs.row import LedgerRow, LedgerRun
from napari_medclf.store.runs.tables import LEDGER, LOCK, TAIL, connect_to_read, read_order, read_rows, read_run
from napari_medclf.store.runs.tail import read_tail

_AT_ONCE = 500
"""Rows that `Ledger.each_row` has in memory."""


@dataclass(frozen=True)
class Ledger:
    """Reads ``ledger.sqlite`` of a run's folder and the tail beside it, anew with every call."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Open the ledger of a run.

        Raises
        ------
        OptionError
            If there is none.
        """
        ledger = cls(folder)
        if not ledger.exists():
            raise OptionError(f"{folder}: holds no run; {LEDGER} was expected there.")
        return ledger

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self.folder / LEDGER

    def exists(self) -> bool:
        """Whether there is one."""
        return self.path.is_file()

    def run(self) -> LedgerRun:
        """What is run, with which model, and how it ended.

        Raises
        ------
        OptionError
            If the ledger cannot be read, or its run was ended before it began.
        """
        found = self.find_run()
        if found is None:
            raise OptionError(f"{self.path}: tells of no run; it was ended while it began. Choose another folder.")
        return found

    def find_run(self) -> LedgerRun | None:
        """What is run; None where there is no ledger, or a kill came before it was written.

        Raises
        ------
        OptionError
            If the ledger cannot be read.
        """
        if not self.exists():
            return None
        with self._reading(), connect_to_read(self.path) as connection:
            return read_run(connection)

    def rows(self, since: int = 0, *, with_traits: bool = True) -> list[LedgerRow]:
        """Every case's row in the order of the run.

        Parameters
        ----------
        since : int
            Only those that changed after the row with this `LedgerRow.seq`.
        with_traits : bool
            Whether to read `LedgerRow.traits`, too.

        Raises
        ------
        OptionError
            If the ledger cannot be read.
        """
        with self._reading():
            # First the tail: what is flushed from it between the two readings is then seen twice, and never missed.
            newer = read_tail(self.folder / TAIL)
            with connect_to_read(self.path) as connection:
                found = read_rows(connection, "WHERE seq > ?", [since], with_traits=with_traits)
        rows = {row.source: row for row in found}
        for source, row in newer.items():
            if row.seq > since and (source not in rows or row.seq > rows[source].seq):
                rows[source] = row if with_traits else row.model_copy(update={"traits": {}})
        return sorted(rows.values(), key=lambda row: row.position)

    def each_row(self, *, with_traits: bool = True) -> Iterator[LedgerRow]:
        """Give every case's row in the order of the run, a few hundred in memory at a time.

        A row that changes meanwhile comes as it was before or after that; whoever writes is never held up.

        Raises
        ------
        OptionError
            If the ledger cannot be read.
        """
        with self._reading():
            newer = read_tail(self.folder / TAIL)
            with connect_to_read(self.path) as connection:
                order = read_order(connection)
                for start in range(0, len(order), _AT_ONCE):
                    sources = order[start : start + _AT_ONCE]
                    where = f"WHERE source IN ({', '.join('?' * len(sources))})"
                    for row in read_rows(connection, where, sources, with_traits=with_traits):
                        yield _as_asked(_newest(row, newer.pop(row.source, row)), with_traits=with_traits)
        for row in sorted(newer.values(), key=lambda row: row.position):
            yield _as_asked(row, with_traits=with_traits)

    def records(self) -> dict[str, CaseRecord]:
        """Every case's record by source, in the order of the run; none where there is no ledger."""
        return {row.source: row.record() for row in self.rows()} if self.exists() else {}

    def state(self) -> tuple[int, int]:
        """What changes whenever the ledger does, and costs nothing: compare it before reading rows."""
        states = []
        for path in (self.path, self.folder / TAIL):
            with suppress(OSError):
                states.append(path.stat())
        return max((one.st_mtime_ns for one in states), default=0), sum(one.st_size for one in states)

    def counts(self) -> dict[CaseStatus, int]:
        """How many cases stand where; states without a case are left out."""
        return dict(Counter(row.status for row in self.each_row(with_traits=False)))

    def pending(self) -> list[LedgerRow]:
        """The cases that are neither done, failed nor skipped."""
        return [row for row in self.each_row() if row.status in (CaseStatus.PENDING, CaseStatus.RUNNING)]

    def is_led(self) -> bool:
        """Whether a process writes to it now."""
        path = self.folder / LOCK
        if not path.is_file():
            return False
        lock = FileLock(path)
        try:
            is_free = lock.take(wait=False)
        except OSError:  # a disk that cannot be written has no writer
            return False
        lock.free()
        return not is_free

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> OptionError:
        reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        return OptionError(f"{self.path}: cannot be read as a ledger ({reason}). Choose another folder.")


def _newest(row: LedgerRow, other: LedgerRow) -> LedgerRow:
    return other if other.seq > row.seq else row


def _as_asked(row: LedgerRow, *, with_traits: bool) -> LedgerRow:
    return row if with_traits or not row.traits else row.model_copy(update={"traits": {}})
