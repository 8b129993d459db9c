"""A row of the ledger: a case's record, and what the ledger itself adds; as columns of SQLite."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from napari_medclf.domain.run import CaseRecord, RunSpec

_SQL_TYPES: dict[object, str] = {str: "TEXT", int: "INTEGER", float: "REAL"}


class LedgerRow(CaseRecord):
    """One case as the ledger has it.

    Parameters
    ----------
    position : int
        Its place in the run, from 0; rows of cases that the run is no longer about come last.
    started : str
        When it was begun last, UTC in ISO 8601; empty where it never was.
    attempt : int
        How often it was begun.
    seq : int
        Grows with every change of the ledger, so that a reader can ask for what is new.
    """

    position: int = 0
    started: str = ""
    attempt: int = 0
    seq: int = 0

    def record(self) -> CaseRecord:
        """The record alone."""
        values = {name: getattr(self, name) for name in CaseRecord.model_fields}
        return CaseRecord.model_construct(_RECORD_FIELDS, **values)  # checked when this row was


_RECORD_FIELDS = set(CaseRecord.model_fields)
_ROW_FIELDS = set(LedgerRow.model_fields)
"""Which fields are set: one set for all rows, as one for each would take as much memory as the rows."""


class LedgerRun(BaseModel):
    """The ledger's one row about the run.

    Parameters
    ----------
    answered_by : str
        As in `CaseRecord`, of the run that was started last.
    card : dict
        The model's card, so that answers can be understood when the model is gone.
    finish_reason : str
        Empty while it runs, and after a kill.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    spec: RunSpec
    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    answered_by: str = ""
    card: dict[str, Any] = Field(default_factory=dict)
    device: str = ""
    started: str = ""
    elapsed_s: float = 0.0
    finish_reason: str = ""
    message: str = ""


def column_definitions(model: type[BaseModel]) -> list[str]:
    """SQL for the columns of a model's fields; what is neither text nor number is kept as JSON."""
    return [f'"{name}" {_SQL_TYPES.get(field.annotation, "TEXT")}' for name, field in model.model_fields.items()]


def to_columns(value: BaseModel) -> list[Any]:
    """Give the fields as SQLite and JSON take them, in the order of `column_definitions`."""
    return [_to_column(getattr(value, name)) for name in type(value).model_fields]


def row_of(columns: Sequence[Any]) -> LedgerRow:
    """Build a row from its columns.

    Raises
    ------
    ValueError
        If they are no row.
    """
    row = LedgerRow.model_validate(_from_columns(LedgerRow, columns))
    return LedgerRow.model_construct(_ROW_FIELDS, **vars(row))


def run_of(columns: Sequence[Any]) -> LedgerRun:
    """Build the run from its columns; see `row_of`."""
    return LedgerRun.model_validate(_from_columns(LedgerRun, columns))


def _to_column(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return _text(json.dumps(value, ensure_ascii=False, default=_plain))


def _text(value: str) -> str:
    """Give text that UTF-8 can write; a file name may hold bytes that it cannot."""
    return str(value) if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    """Make numbers of numpy, dates and paths into what JSON has."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _from_columns(model: type[BaseModel], columns: Sequence[Any]) -> dict[str, Any]:
    fields = model.model_fields
    if len(columns) != len(fields):
        raise ValueError(f"{len(columns)} columns, and {len(fields)} were expected")
    return {
        name: one if field.annotation in _SQL_TYPES or not _is_json(one) else _read_json(one)
        for (name, field), one in zip(fields.items(), columns, strict=True)
    }


def _read_json(column: str) -> Any:
    """Read JSON; keys that thousands of rows have are kept once."""
    value = json.loads(column)
    return {sys.intern(name): one for name, one in value.items()} if isinstance(value, dict) else value


def _is_json(column: Any) -> bool:
    return isinstance(column, str) and column.startswith(("{", "["))


def storable(record: CaseRecord) -> CaseRecord:
    """Leave out doubts and traits that are no number, and empty such values: JSON has no word for them."""
    if all(math.isfinite(one) for one in (*record.doubts.values(), *record.traits.values(), *_floats(record.values))):
        return record
    values = {name: None if _is_undefined(one) else one for name, one in record.values.items()}
    changes = {"values": values, "doubts": _finite(record.doubts), "traits": _finite(record.traits)}
    return record.model_copy(update=changes)


def _floats(values: dict[str, Any]) -> list[float]:
    return [one for one in values.values() if isinstance(one, float)]


def _is_undefined(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _finite(numbers: dict[str, float]) -> dict[str, float]:
    return {name: number for name, number in numbers.items() if math.isfinite(number)}
