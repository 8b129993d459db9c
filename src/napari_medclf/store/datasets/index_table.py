"""What an ``index.csv`` beside image folders tells of each case: patient, split, kind and further facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.dataset import Case
from napari_medclf.store.datasets.split_files import case_key, split_or_refuse
from napari_medclf.store.datasets.table_roles import UNKNOWN, fact_columns
from napari_medclf.store.datasets.tables import (
    GROUP_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    STRATUM_COLUMNS,
    read_table,
)

_INDEX_FILES = ("index.csv", "index.tsv")
_PARTICIPANTS = "participants.tsv"
_PARTICIPANT = "participant_id"


def add_index(folder: Path, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Take group, split, stratum and facts from an ``index.csv`` (or .tsv) that has a row for each file.

    Raises
    ------
    DatasetError
        If it is there and has no column for the file, or a split that is none.
    """
    path = next((folder / name for name in _INDEX_FILES if (folder / name).is_file()), None)
    if path is None:
        return cases
    table = read_table(path)
    key = table.required(PATH_COLUMNS, "file of the image")
    group, split, stratum = (table.column(names) for names in (GROUP_COLUMNS, SPLIT_COLUMNS, STRATUM_COLUMNS))
    facts = fact_columns(table, {key, group, split})
    row_of = {case_key(row[key].strip()): number for number, row in enumerate(table.rows)}

    def described(case: Case) -> Case:
        number = row_of.get(case.case_id)
        if number is None:
            return case
        row = table.rows[number]
        return replace(
            case,
            group_id=(row[group].strip() if group else "") or case.group_id,
            split=(split_or_refuse(row[split], table.where(number)) if split else None) or case.split,
            stratum=row[stratum].strip() if stratum else "",
            facts=_told(row, facts),
        )

    return tuple(described(case) for case in cases)


def add_participants(folder: Path, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Take facts from BIDS's ``participants.tsv``; columns that may name a person are not read."""
    path = folder / _PARTICIPANTS
    if not path.is_file():
        return cases
    table = read_table(path)
    key = table.column((_PARTICIPANT,))
    if key is None:
        return cases
    facts = fact_columns(table, {key})
    row_of = {row[key].strip(): row for row in table.rows}
    return tuple(
        replace(case, facts=_told(row_of[case.group_id], facts)) if case.group_id in row_of else case for case in cases
    )


def _told(row: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    return {one: row[one].strip() for one in columns if row[one].strip().casefold() not in UNKNOWN}
