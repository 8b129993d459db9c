"""The files that a table names: found relative to it, there, and each once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.tables import Table
from napari_medclf.store.files import stem, unique_names


def find_files(table: Table, column: str) -> tuple[FileRef, ...]:
    """Find the file of every row, relative to the table's folder; a cell may be ``path#member``.

    Raises
    ------
    DatasetError
        If a file is absent or stands twice, with its line.
    """
    files = tuple(_locate(table.path.parent, row[column].strip()) for row in table.rows)
    absent = [number for number, ref in enumerate(files) if not ref.path.is_file() and not ref.path.is_dir()]
    if absent:
        raise DatasetError(
            f"{table.where(absent[0])}: the file {table.rows[absent[0]][column]!r} does not exist "
            f"({len(absent)} of {len(files)} files are missing). Paths are relative to the table's folder."
        )
    first_row: dict[FileRef, int] = {}
    for number, ref in enumerate(files):
        earlier = first_row.setdefault(ref, number)
        if earlier != number:
            raise DatasetError(
                f"{table.where(number)}: {table.rows[number][column]!r} stands already in line "
                f"{table.lines[earlier]}; every image may stand once."
            )
    return files


def name_cases(table: Table, id_column: str | None, files: Sequence[FileRef]) -> tuple[str, ...]:
    """Name the case of every row: by its own column where that is full, else by the file."""
    if id_column is not None and len(table.values(id_column) - {""}) == len(table.rows):
        return tuple(unique_names(row[id_column].strip() for row in table.rows))
    stems = [stem(ref.path) + (f"-{ref.member}" if ref.member else "") for ref in files]
    if len(set(stems)) < len(stems):  # the same file name in several folders
        stems = [f"{ref.path.parent.name}-{one}" for ref, one in zip(files, stems, strict=True)]
    return tuple(unique_names(stems))


def _locate(folder: Path, text: str) -> FileRef:
    """Read a cell as a path, or as ``path#member``."""
    whole = folder / text.replace("\\", "/")
    if text and not whole.exists() and "#" in text:
        file, _, member = text.rpartition("#")
        return FileRef(folder / file.replace("\\", "/"), member)
    return FileRef(whole if text else folder / "(empty cell)")
