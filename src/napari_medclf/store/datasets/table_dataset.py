"""A table with one row an image: one label column, several yes/no columns, or a mask column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef
from napari_medclf.domain.errors import DatasetError, unknown_choice
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets.classes import explain_labels
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split_files import split_or_refuse
from napari_medclf.store.datasets.tables import (
    GROUP_COLUMNS,
    ID_COLUMNS,
    LABEL_COLUMNS,
    MASK_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    STRATUM_COLUMNS,
    Table,
    read_table,
)
from napari_medclf.store.files import group_of, natural_key, stem, unique_names

_YES = {"1", "1.0", "true", "yes"}
_NO = {"0", "0.0", "false", "no"}
_MAX_CLASSES = 1000


@dataclass(frozen=True)
class _Roles:
    """Which column of a table plays which part."""

    path: str
    labels: tuple[str, ...]
    mask: str | None
    group: str | None
    split: str | None
    stratum: str | None
    case_id: str | None


def read_table_dataset(path: Path, hints: Hints) -> Dataset:
    """Read a CSV or TSV file whose rows are images.

    Raises
    ------
    DatasetError
        If a column is missing, a file does not exist or stands twice, a label is missing
        everywhere, or a group (patient) stands in two splits.
    """
    table = read_table(path)
    roles, warnings = _find_roles(table, hints)
    files = _check_files(table, roles)
    if roles.mask is not None and hints.task is not Task.CLASSIFY:
        return _with_masks(table, roles, files, hints, warnings)
    names = tuple(_case_names(table, roles, files))
    told = [number for number, row in enumerate(table.rows) if any(row[column].strip() for column in roles.labels)]
    if len(told) < len(table.rows):
        warnings = (*warnings, f"{len(table.rows) - len(told)} rows of {path.name} have no label and are not used.")
    schema = _schema(table, roles)
    classes = {number: _classes(table, roles, number) for number in told}
    return Dataset(
        name=path.stem if path.stem not in {"labels", "index", "dataset"} else path.resolve().parent.name,
        task=Task.CLASSIFY,
        schema=schema,
        cases=tuple(
            _case(table, roles, number, names[number], {"image": files[number]}, classes=classes[number], hints=hints)
            for number in told
        ),
        path=path,
        warnings=warnings,
        is_exclusive=len(roles.labels) == 1,
    )


def _with_masks(
    table: Table, roles: _Roles, files: Sequence[FileRef], hints: Hints, warnings: tuple[str, ...]
) -> Dataset:
    masks = _check_files(table, roles, column=roles.mask)
    meaning = explain_labels(table.path, masks, hints)
    names = tuple(_case_names(table, roles, files))
    return Dataset(
        name=table.path.stem,
        task=meaning.task,
        schema=meaning.schema,
        cases=tuple(
            _case(table, roles, number, name, {"image": files[number]}, label_map=masks[number], hints=hints)
            for number, name in enumerate(names)
        ),
        path=table.path,
        label_to_value=meaning.label_to_value,
        warnings=(*warnings, *meaning.warnings),
    )


def _case(
    table: Table,
    roles: _Roles,
    number: int,
    name: str,
    images: dict[str, FileRef],
    *,
    hints: Hints,
    label_map: FileRef | None = None,
    classes: tuple[str, ...] = (),
) -> Case:
    row = table.rows[number]
    group = row[roles.group].strip() if roles.group else ""
    if not group:
        group = group_of(stem(Path(row[roles.path])), hints.group_pattern) if hints.group_pattern else name
    return Case(
        case_id=name,
        group_id=group,
        images=images,
        label_map=label_map,
        classes=classes,
        split=split_or_refuse(row[roles.split], table.where(number)) if roles.split else None,
        stratum=row[roles.stratum].strip() if roles.stratum else "",
    )


def _find_roles(table: Table, hints: Hints) -> tuple[_Roles, tuple[str, ...]]:
    path = table.required(PATH_COLUMNS, "path of the image")
    mask, group = table.column(MASK_COLUMNS), table.column(GROUP_COLUMNS)
    split, stratum = table.column(SPLIT_COLUMNS), table.column(STRATUM_COLUMNS)
    case_id = table.column(ID_COLUMNS)
    taken = {path, mask, group, split, stratum, case_id}
    labels, warnings = _label_columns(table, hints, taken, needed=mask is None or hints.task is Task.CLASSIFY)
    return _Roles(path, labels, mask, group, split, stratum, case_id), warnings


def _label_columns(
    table: Table, hints: Hints, taken: set[str | None], *, needed: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if hints.label_columns:
        for name in hints.label_columns:
            if name not in table.columns:
                raise DatasetError(f"{table.path}: {unknown_choice('column', name, table.columns)}")
        return hints.label_columns, ()
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
    return binary, (f"Columns that are neither 0/1 nor known by name are not used: {', '.join(ignored)}.",)


def _is_yes_no(cells: set[str]) -> bool:
    words = {cell.casefold() for cell in cells} - {""}
    return bool(words & _YES) and words <= _YES | _NO


def _check_files(table: Table, roles: _Roles, column: str | None = None) -> tuple[FileRef, ...]:
    """Find every file, relative to the table's folder; refuse what is absent or stands twice."""
    files = tuple(_locate(table.path.parent, row[column or roles.path].strip()) for row in table.rows)
    absent = [number for number, ref in enumerate(files) if not ref.path.is_file() and not ref.path.is_dir()]
    if absent:
        raise DatasetError(
            f"{table.where(absent[0])}: the file {table.rows[absent[0]][column or roles.path]!r} does not exist "
            f"({len(absent)} of {len(files)} files are missing). Paths are relative to the table's folder."
        )
    first_row: dict[FileRef, int] = {}
    for number, ref in enumerate(files):
        earlier = first_row.setdefault(ref, number)
        if earlier != number:
            raise DatasetError(
                f"{table.where(number)}: {table.rows[number][column or roles.path]!r} stands already in line "
                f"{table.lines[earlier]}; every image may stand once."
            )
    return files


def _locate(folder: Path, text: str) -> FileRef:
    """Read a cell as a path, or as ``path#member``."""
    whole = folder / text.replace("\\", "/")
    if text and not whole.exists() and "#" in text:
        file, _, member = text.rpartition("#")
        return FileRef(folder / file.replace("\\", "/"), member)
    return FileRef(whole if text else folder / "(empty cell)")


def _case_names(table: Table, roles: _Roles, files: Sequence[FileRef]) -> Sequence[str]:
    if roles.case_id is not None and len(table.values(roles.case_id) - {""}) == len(table.rows):
        return tuple(unique_names(row[roles.case_id].strip() for row in table.rows))
    stems = [stem(ref.path) + (f"-{ref.member}" if ref.member else "") for ref in files]
    if len(set(stems)) < len(stems):  # the same file name in several folders
        stems = [f"{ref.path.parent.name}-{one}" for ref, one in zip(files, stems, strict=True)]
    return tuple(unique_names(stems))


def _schema(table: Table, roles: _Roles) -> LabelSchema:
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


def _classes(table: Table, roles: _Roles, number: int) -> tuple[str, ...]:
    row = table.rows[number]
    if len(roles.labels) == 1 and not _is_multi(roles):
        return (row[roles.labels[0]].strip(),)
    empty = [column for column in roles.labels if not row[column].strip()]
    if empty:
        raise DatasetError(
            f"{table.where(number)}: the columns {empty} are empty; every yes/no column needs 0 or 1 in each row."
        )
    return tuple(column for column in roles.labels if row[column].strip().casefold() in _YES)


def _is_multi(roles: _Roles) -> bool:
    return len(roles.labels) > 1
