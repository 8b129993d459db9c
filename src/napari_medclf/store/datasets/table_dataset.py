"""A table with one row an image: classes, yes/no columns, numbers, label images or boxes to learn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.box_files import box_schema
from napari_medclf.store.datasets.classes import explain_labels
from napari_medclf.store.datasets.image_label_folders import read_declared
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split_files import split_or_refuse
from napari_medclf.store.datasets.table_files import find_files, name_cases
from napari_medclf.store.datasets.table_roles import UNKNOWN, YES, Roles, find_roles, is_number
from napari_medclf.store.datasets.tables import Table, read_table
from napari_medclf.store.files import group_of, natural_key, stem

_MAX_CLASSES = 1000
_SEPARATOR = "|"
"""Between several classes in one cell, as NIH's ChestX-ray14 has them (Wang 2017)."""
_NO_CLASS = {"", "no finding", "none"}


@dataclass(frozen=True)
class _Rows:
    """A table whose columns are understood, with a case without an answer for every row."""

    table: Table
    roles: Roles
    cases: tuple[Case, ...]

    def cells(self, column: str) -> tuple[str, ...]:
        return tuple(row[column].strip() for row in self.table.rows)


def read_table_dataset(path: Path, hints: Hints) -> Dataset:
    """Read a CSV or TSV file whose rows are images.

    Columns that sort cases into groups (sex, age, site ...) become `Case.facts`; those whose name
    suggests that they name a person do not.

    Raises
    ------
    DatasetError
        If a column is missing, a file does not exist or stands twice, a label is missing
        everywhere, or a group (patient) stands in two splits.
    """
    table = read_table(path)
    roles, warnings = find_roles(table, hints)
    rows = _Rows(table, roles, _cases_without_answer(table, roles, hints))
    if hints.task is Task.REGRESS:
        return _with_numbers(rows, warnings)
    if roles.boxes is not None and hints.task in (None, Task.DETECT):
        return _with_boxes(rows, roles.boxes, warnings)
    if roles.mask is not None and hints.task is not Task.CLASSIFY:
        return _with_masks(rows, roles.mask, hints, warnings)
    return _with_classes(rows, warnings)


def _cases_without_answer(table: Table, roles: Roles, hints: Hints) -> tuple[Case, ...]:
    columns = roles.channels or {"image": roles.path}
    files = {role: find_files(table, column) for role, column in columns.items()}
    names = name_cases(table, roles.case_id, next(iter(files.values())))
    return tuple(
        _case(table, roles, number, name, {role: refs[number] for role, refs in files.items()}, hints)
        for number, name in enumerate(names)
    )


def _case(table: Table, roles: Roles, number: int, name: str, images: dict[str, FileRef], hints: Hints) -> Case:
    row = table.rows[number]
    group = row[roles.group].strip() if roles.group else ""
    if not group:
        group = group_of(stem(Path(row[roles.path])), hints.group_pattern) if hints.group_pattern else name
    return Case(
        case_id=name,
        group_id=group,
        images=images,
        split=split_or_refuse(row[roles.split], table.where(number)) if roles.split else None,
        stratum=row[roles.stratum].strip() if roles.stratum else "",
        facts={one: row[one].strip() for one in roles.facts if row[one].strip().casefold() not in UNKNOWN},
    )


def _with_classes(rows: _Rows, warnings: tuple[str, ...]) -> Dataset:
    table, roles = rows.table, rows.roles
    is_joined = len(roles.labels) == 1 and any(_SEPARATOR in cell for cell in rows.cells(roles.labels[0]))
    is_exclusive = len(roles.labels) == 1 and not is_joined
    told = [number for number, row in enumerate(table.rows) if any(row[column].strip() for column in roles.labels)]
    if len(told) < len(table.rows):
        warnings = (
            *warnings,
            f"{len(table.rows) - len(told)} rows of {table.path.name} have no label and are not used.",
        )
    if is_joined:
        schema, classes = _joined_classes(rows)
    else:
        schema, classes = _schema(table, roles), {number: _classes(table, roles, number) for number in told}
    return Dataset(
        name=_name(table.path),
        task=Task.CLASSIFY,
        schema=schema,
        cases=tuple(replace(rows.cases[number], classes=classes[number]) for number in told),
        path=table.path,
        warnings=warnings,
        is_exclusive=is_exclusive,
    )


def _with_masks(rows: _Rows, column: str, hints: Hints, warnings: tuple[str, ...]) -> Dataset:
    masks = find_files(rows.table, column)
    declared = read_declared(rows.table.path.parent)
    meaning = explain_labels(rows.table.path, masks, hints, declared=declared.schema)
    return Dataset(
        name=_name(rows.table.path),
        task=meaning.task,
        schema=meaning.schema,
        cases=tuple(replace(case, label_map=mask) for case, mask in zip(rows.cases, masks, strict=True)),
        path=rows.table.path,
        label_to_value=meaning.label_to_value,
        warnings=(*warnings, *meaning.warnings),
    )


def _with_boxes(rows: _Rows, column: str, warnings: tuple[str, ...]) -> Dataset:
    files = find_files(rows.table, column)
    return Dataset(
        name=_name(rows.table.path),
        task=Task.DETECT,
        schema=box_schema(rows.table.path, [ref.path for ref in files]),
        cases=tuple(replace(case, boxes=ref) for case, ref in zip(rows.cases, files, strict=True)),
        path=rows.table.path,
        warnings=warnings,
    )


def _with_numbers(rows: _Rows, warnings: tuple[str, ...]) -> Dataset:
    """Take the numbers of the label columns; rows without one of them are not used."""
    table, columns = rows.table, rows.roles.labels
    told: list[Case] = []
    for number, (row, case) in enumerate(zip(table.rows, rows.cases, strict=True)):
        cells = {column: row[column].strip() for column in columns}
        if any(cell.casefold() in UNKNOWN for cell in cells.values()):
            continue
        strange = next((column for column, cell in cells.items() if not is_number(cell)), None)
        if strange is not None:
            raise DatasetError(f"{table.where(number)}: {strange} is {cells[strange]!r}, and a number was expected.")
        told.append(replace(case, values={column: float(cell) for column, cell in cells.items()}))
    if len(told) < len(table.rows):
        warnings = (
            *warnings,
            f"{len(table.rows) - len(told)} rows of {table.path.name} have no number and are not used.",
        )
    return Dataset(
        name=_name(table.path),
        task=Task.REGRESS,
        schema=LabelSchema.from_names(columns, first_value=1),
        cases=tuple(told),
        path=table.path,
        warnings=warnings,
    )


def _unused(table: Table, n_told: int, what: str) -> tuple[str, ...]:
    n_left = len(table.rows) - n_told
    return (f"{n_left} rows of {table.path.name} have no {what} and are not used.",) if n_left else ()


def _name(path: Path) -> str:
    return path.stem if path.stem not in {"labels", "index", "dataset"} else path.resolve().parent.name


def _joined_classes(rows: _Rows) -> tuple[LabelSchema, dict[int, tuple[str, ...]]]:
    """Read cells such as ``Effusion|Mass``; ``No Finding`` is none of the classes."""
    cells = rows.cells(rows.roles.labels[0])
    parts = [[part.strip() for part in cell.split(_SEPARATOR)] for cell in cells]
    classes = {
        number: tuple(dict.fromkeys(part for part in one if part.casefold() not in _NO_CLASS))
        for number, one in enumerate(parts)
    }
    names = sorted({name for one in classes.values() for name in one}, key=str.casefold)
    return LabelSchema.from_names(names), classes


def _schema(table: Table, roles: Roles) -> LabelSchema:
    if len(roles.labels) > 1:
        return LabelSchema.from_names(roles.labels)
    cells = table.values(roles.labels[0]) - {""}
    names = sorted(cells, key=lambda cell: natural_key(Path(cell or ".")))
    if len(names) < 2:
        raise DatasetError(
            f"{table.path}: the column {roles.labels[0]!r} holds one class only, {next(iter(names), '')!r}; "
            "a classifier needs at least two."
        )
    if len(names) > _MAX_CLASSES or max(Counter(row[roles.labels[0]] for row in table.rows).values()) == 1:
        raise DatasetError(
            f"{table.path}: the column {roles.labels[0]!r} holds {len(names)} different values; these are no classes."
        )
    return LabelSchema.from_names(names)


def _classes(table: Table, roles: Roles, number: int) -> tuple[str, ...]:
    row = table.rows[number]
    if len(roles.labels) == 1:
        return (row[roles.labels[0]].strip(),)
    empty = [column for column in roles.labels if not row[column].strip()]
    if empty:
        raise DatasetError(
            f"{table.where(number)}: the columns {empty} are empty; every yes/no column needs 0 or 1 in each row."
        )
    return tuple(column for column in roles.labels if row[column].strip().casefold() in YES)
