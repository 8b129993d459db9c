"""CSV and TSV files as rows, with columns found by the names people give them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import DatasetError

PATH_COLUMNS = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "img",
    "image index",
)
LABEL_COLUMNS = ("label", "class", "target", "diagnosis", "category", "y", "finding labels", "labels")
MASK_COLUMNS = ("mask", "label_map", "segmentation", "mask_path", "label_path", "seg")
BOX_COLUMNS = ("boxes", "annotation", "annotations", "box_file", "xml")
GROUP_COLUMNS = (
    "group",
    "group_id",
    "patient",
    "patient_id",
    "patientid",
    "patient id",
    "subject",
    "subject_id",
    "participant_id",
)
SPLIT_COLUMNS = ("split", "set", "subset", "partition")
STRATUM_COLUMNS = ("stratum", "kind", "appearance", "site", "scanner", "centre", "center", "source")
ID_COLUMNS = ("case_id", "case", "id")


@dataclass(frozen=True)
class Table:
    """A table with a header.

    `rows` are cells by column name as it stands in the file; row n stands in the file's line
    ``lines[n]``.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]

    def column(self, names: Iterable[str]) -> str | None:
        """Return the first column with one of these names, ignoring case; None without one."""
        known = {one.strip().casefold(): one for one in self.columns}
        return next((known[name] for name in names if name in known), None)

    def required(self, names: Iterable[str], what: str) -> str:
        """Return such a column.

        Raises
        ------
        DatasetError
            If there is none, naming what was looked for and what is there.
        """
        wanted = tuple(names)
        found = self.column(wanted)
        if found is None:
            raise DatasetError(
                f"{self.path}: there is no column for the {what}. Name one of its columns {', '.join(wanted[:3])}; "
                f"found: {', '.join(self.columns)}."
            )
        return found

    def values(self, column: str) -> set[str]:
        """All different cells of a column, stripped."""
        return {row[column].strip() for row in self.rows}

    def where(self, number: int) -> str:
        """Say where a row stands, for messages."""
        return f"{self.path}, line {self.lines[number]}"


def read_table(path: Path) -> Table:
    """Read a CSV or TSV file in UTF-8; the separator (comma, semicolon, tab) is found in the header.

    Raises
    ------
    DatasetError
        If it cannot be read, is empty, repeats a column, or a row is longer or shorter than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text; save it as CSV UTF-8.") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    first_line = text.partition("\n")[0]
    separator = max("\t,;", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        numbered = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: is not a table ({error}).") from error
    if len(numbered) < 2:
        raise DatasetError(f"{path}: holds no row besides the header.")
    columns = tuple(cell.strip() for cell in numbered[0][1])
    _check_columns(path, columns)
    for line, cells in numbered[1:]:
        if len(cells) != len(columns):
            raise DatasetError(f"{path}, line {line}: has {len(cells)} cells, the header {len(columns)}.")
    return Table(
        path=path,
        columns=columns,
        rows=tuple(dict(zip(columns, cells, strict=True)) for _, cells in numbered[1:]),
        lines=tuple(line for line, _ in numbered[1:]),
    )


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise DatasetError(f"{path}: the columns {repeated} stand more than once.")
