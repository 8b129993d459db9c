"""Which column of a table plays which part."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError, unknown_choice
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.tables import (
    BOX_COLUMNS,
    GROUP_COLUMNS,
    ID_COLUMNS,
    LABEL_COLUMNS,
    MASK_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    STRATUM_COLUMNS,
    Table,
)

YES = {"1", "1.0", "true", "yes"}
NO = {"0", "0.0", "false", "no"}
UNKNOWN = {"", "nan", "n/a", "na", "none", "-", "unknown"}
"""Cells that say nothing, in lower case."""
_CHANNEL_PREFIX = "path:"
_MOST_VALUES = 50
# What may name a person, or is written for persons only.
_PERSONAL = re.compile(
    r"name|birth|address|street|postal|phone|mail|passport|insur|accession|physician|doctor|referr|comment|remark"
    r"|sha256|digest|(^|_)(dob|zip|mrn|ssn|notes?|reports?|uid|date|path|file|ids?)(_|$)"
)


@dataclass(frozen=True)
class Roles:
    """Which column plays which part.

    Parameters
    ----------
    channels : dict
        Role of an image (``T1``) to its column, for tables with one column a channel (``path:T1``).
    labels : tuple of str
        One column of class names, several of yes and no, or numbers to estimate.
    facts : tuple of str
        Columns kept as `Case.facts`.
    """

    path: str
    channels: dict[str, str]
    labels: tuple[str, ...]
    mask: str | None
    boxes: str | None
    group: str | None
    split: str | None
    stratum: str | None
    case_id: str | None
    facts: tuple[str, ...]


def find_roles(table: Table, hints: Hints) -> tuple[Roles, tuple[str, ...]]:
    """Tell the columns of a table apart by their names and cells; returns them and warnings.

    Raises
    ------
    DatasetError
        If there is no column for the image, or for what is to be learned.
    """
    channels = {
        column[len(_CHANNEL_PREFIX) :].strip(): column
        for column in table.columns
        if column.casefold().startswith(_CHANNEL_PREFIX)
    }
    path = next(iter(channels.values())) if channels else table.required(PATH_COLUMNS, "path of the image")
    found = {
        "mask": table.column(MASK_COLUMNS),
        "boxes": table.column(BOX_COLUMNS),
        "group": table.column(GROUP_COLUMNS),
        "split": table.column(SPLIT_COLUMNS),
        "stratum": table.column(STRATUM_COLUMNS),
        "case_id": table.column(ID_COLUMNS),
    }
    taken = {path, *channels.values(), *found.values()}
    has_other_answer = found["mask"] is not None or found["boxes"] is not None
    is_needed = not has_other_answer or hints.task is Task.CLASSIFY
    warnings: tuple[str, ...] = ()
    if hints.task is Task.REGRESS:
        labels = _number_columns(table, hints, taken)
    else:
        labels, warnings = _label_columns(table, hints, taken, needed=is_needed)
    facts = fact_columns(table, (taken | set(labels)) - {found["stratum"]})
    return Roles(path=path, channels=channels, labels=labels, facts=facts, **found), warnings


def _label_columns(
    table: Table, hints: Hints, taken: set[str | None], *, needed: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if hints.label_columns:
        return _named_columns(table, hints), ()
    single = table.column(LABEL_COLUMNS)
    if single is not None:
        return (single,), ()
    free = [name for name in table.columns if name not in taken]
    binary = tuple(name for name in free if _is_yes_no(table.values(name)))
    if not binary and needed:
        raise DatasetError(
            f"{table.path}: there is no column for the class. Name it 'label', or give several columns of 0 and 1; "
            f"found: {', '.join(table.columns)}."
        )
    ignored = [name for name in free if name not in binary]
    if not ignored or not needed:
        return binary, ()
    return binary, (f"Columns that are neither 0/1 nor known by name are no labels: {', '.join(ignored)}.",)


def _number_columns(table: Table, hints: Hints, taken: set[str | None]) -> tuple[str, ...]:
    if hints.label_columns:
        return _named_columns(table, hints)
    single = table.column(LABEL_COLUMNS)
    if single is not None:
        return (single,)
    numbers = tuple(
        name
        for name in table.columns
        if name not in taken and not _is_yes_no(table.values(name)) and _are_numbers(table.values(name))
    )
    if not numbers:
        raise DatasetError(
            f"{table.path}: there is no column of numbers to estimate; name one with --label-columns. "
            f"Found: {', '.join(table.columns)}."
        )
    return numbers


def _named_columns(table: Table, hints: Hints) -> tuple[str, ...]:
    for name in hints.label_columns:
        if name not in table.columns:
            raise DatasetError(f"{table.path}: {unknown_choice('column', name, table.columns)}")
    return hints.label_columns


def _is_yes_no(cells: set[str]) -> bool:
    words = {cell.casefold() for cell in cells} - {""}
    return bool(words & YES) and words <= YES | NO


def _are_numbers(cells: set[str]) -> bool:
    told = {cell for cell in cells if cell.casefold() not in UNKNOWN}
    return len(told) > 1 and all(is_number(cell) for cell in told)


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return abs(float(cell)) < float("inf")
    except ValueError:
        return False


def fact_columns(table: Table, taken: Collection[str | None]) -> tuple[str, ...]:
    """List the columns, besides those taken, that sort cases into groups and name nobody."""
    return tuple(name for name in table.columns if name not in taken and _is_fact(table, name))


def _is_fact(table: Table, column: str) -> bool:
    values = table.values(column)
    told = {cell for cell in values if cell.casefold() not in UNKNOWN}
    if not told or is_personal(column):
        return False
    return _are_numbers(told) or len(told) == 1 or len(told) <= min(_MOST_VALUES, len(table.rows) - 1)


def is_personal(column: str) -> bool:
    """Whether a column's name suggests that it tells a person, a date of life, or free text.

    >>> is_personal("Patient Name"), is_personal("sex")
    (True, False)
    """
    return _PERSONAL.search(re.sub(r"[\s-]+", "_", column.strip().casefold())) is not None
