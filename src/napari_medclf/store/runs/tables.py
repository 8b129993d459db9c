"""The tables of ``ledger.sqlite``, and how it is opened for writing and for reading."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import OptionError
from napari_medclf.store.runs.row import LedgerRow, LedgerRun, column_definitions, row_of, run_of, to_columns

LEDGER = "ledger.sqlite"
TAIL = "ledger.tail"
LOCK = "ledger.lock"
_VERSION = 1
_WAIT_S = 30.0
_COLUMNS = tuple(f"[{name}]" for name in LedgerRow.model_fields)  # in double quotes an unknown one is taken for a text
_RUN_COLUMNS = tuple(f"[{name}]" for name in LedgerRun.model_fields)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM cases"  # noqa: S608  (our own names of columns, here and below)
_REPLACE = f"INSERT OR REPLACE INTO cases ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_REPLACE_RUN = (
    f"INSERT OR REPLACE INTO run (id, {', '.join(_RUN_COLUMNS)}) "  # noqa: S608
    f"VALUES (1, {', '.join('?' * len(_RUN_COLUMNS))})"
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger for writing; it is made where it is missing.

    A rollback journal, no write-ahead log: that one needs shared memory, which network shares do not have.
    """
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def connect_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for reading; nothing beside it is written, so it may lie on a read-only disk.

    A ledger that a kill left in the middle of a flush has to be rolled back, and a share without locks cannot be read
    in place: then a copy in the temporary folder is read.
    """
    in_place = _open_to_read(path)
    if in_place is not None:
        with closing(in_place):
            yield in_place
        return
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-journal"):
            source = path.with_name(path.name + suffix)
            if source.is_file():
                shutil.copyfile(source, Path(folder) / source.name)
        with closing(sqlite3.connect(Path(folder) / path.name, isolation_level=None)) as connection:
            yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the body or nothing of it is written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled it back already
            connection.execute("ROLLBACK")
        raise


def write_rows(connection: sqlite3.Connection, rows: Iterable[LedgerRow]) -> None:
    """Write rows, each in the place of the one of its source."""
    connection.executemany(_REPLACE, map(to_columns, rows))


def write_run(connection: sqlite3.Connection, run: LedgerRun) -> None:
    """Write the row about the run."""
    connection.execute(_REPLACE_RUN, to_columns(run))


def read_run(connection: sqlite3.Connection) -> LedgerRun | None:
    """Read the row about the run; None where there is none yet."""
    if _version_of(connection) == 0:
        return None
    found = connection.execute(f"SELECT {', '.join(_RUN_COLUMNS)} FROM run").fetchone()  # noqa: S608
    return None if found is None else run_of(found)


def read_rows(
    connection: sqlite3.Connection, where: str = "", values: Sequence[Any] = (), *, with_traits: bool = True
) -> list[LedgerRow]:
    """Read rows in the order of the run; none where a kill came before there was a table."""
    if _version_of(connection) == 0:
        return []
    select = _SELECT if with_traits else _SELECT.replace("[traits]", "'{}'")
    found = connection.execute(f"{select} {where} ORDER BY position", values)
    return [row_of(columns) for columns in found]


def read_order(connection: sqlite3.Connection) -> list[str]:
    """Read the sources of all rows in the order of the run; none where there is no table yet."""
    if _version_of(connection) == 0:
        return []
    return [source for (source,) in connection.execute("SELECT source FROM cases ORDER BY position")]


def read_outputs(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Read the outputs of every case that has some, by source."""
    found = connection.execute("SELECT source, outputs FROM cases WHERE outputs != '{}'")
    return {source: json.loads(outputs) for source, outputs in found}


def _version_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _open_to_read(path: Path) -> sqlite3.Connection | None:
    """Open the file where it is; None where SQLite cannot read it there."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S, isolation_level=None)
    try:
        _version_of(connection)
    except sqlite3.OperationalError:
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables of a new ledger.

    Raises
    ------
    OptionError
        If the ledger is of another version.
    """
    version = _version_of(connection)
    if version > _VERSION:
        raise OptionError(f"The ledger is of version {version}, and this program knows version {_VERSION}. Update it.")
    if version == _VERSION:
        known = {name for _, name, *_ in connection.execute("PRAGMA table_info(cases)")}
        if known != set(LedgerRow.model_fields):
            raise OptionError("The ledger is by another version of this program. Choose another folder.")
        return
    with transaction(connection):
        columns = ", ".join(column_definitions(LedgerRow))
        connection.execute(f"CREATE TABLE IF NOT EXISTS cases ({columns}, PRIMARY KEY (source))")
        connection.execute("CREATE INDEX IF NOT EXISTS cases_seq ON cases (seq)")
        columns = ", ".join(column_definitions(LedgerRun))
        connection.execute(f"CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY CHECK (id = 1), {columns})")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
