"""Points and measurements as CSV and JSON, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.derived import MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import CodedConcept

REPORT_COLUMNS = ("scope", "finding", "finding_code", "segment_number", "name", "name_code", "value", "unit")
POINT_COLUMNS = ("index", "label", "x_mm", "y_mm", "z_mm")
_VOXEL_COLUMNS = ("k", "j", "i")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_points(points: FloatArray, labels: Sequence[str], path: Path, geometry: Geometry | None = None) -> None:
    """Write points as ``.csv`` or ``.json``, which one by the suffix.

    Parameters
    ----------
    points : (N, 3)
        LPS millimetres (x, y, z).
    labels : sequence of str
        One a point.
    geometry : Geometry or None
        Of the image they lie on; adds their voxel (k, j, i), not rounded.

    Raises
    ------
    WriteError
        If they are not finite, the suffix is another one, or the disk does not take it.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    if len(labels) != len(points) or not np.isfinite(points).all():
        raise WriteError(f"{path}: {len(points)} finite points and as many labels were expected, not {len(labels)}.")
    rows = [
        dict(zip(POINT_COLUMNS, (number, label, *map(float, point)), strict=True))
        for number, (label, point) in enumerate(zip(labels, points, strict=True), start=1)
    ]
    if geometry is not None:
        for row, voxel in zip(rows, geometry.to_index(points), strict=True):
            row.update(zip(_VOXEL_COLUMNS, (round(float(n), 4) for n in voxel), strict=True))
    columns = (*POINT_COLUMNS, *(() if geometry is None else _VOXEL_COLUMNS))
    write_rows(path, columns, rows, {"frame": "LPS", "unit": "mm"}, "points")


def write_report_csv(report: MeasurementReport, path: Path) -> None:
    """Write scores and measurements, one row each, as ``.csv`` or ``.json``.

    Codes are written ``scheme:value``; the columns are `REPORT_COLUMNS`. Nothing names a patient.

    Raises
    ------
    WriteError
        If the suffix is another one or the disk does not take it.
    """
    rows = [row for group in report.groups for row in _report_rows(group)]
    write_rows(path, REPORT_COLUMNS, rows, {"title": report.title, "algorithm": report.algorithm}, "measurements")


def _report_rows(group: MeasurementGroup) -> Iterable[dict[str, Any]]:
    shared = {
        "scope": group.scope.value,
        "finding": group.finding.meaning if group.finding else "",
        "finding_code": _code(group.finding),
        "segment_number": "" if group.segment_number is None else group.segment_number,
    }
    for one in group.measurements:
        yield shared | {
            "name": one.name.meaning,
            "name_code": _code(one.name),
            "value": float(one.value),
            "unit": one.unit,
        }
    for name, value in group.statements:
        yield shared | {"name": name.meaning, "name_code": _code(name), "value": value.meaning, "unit": ""}


def _code(concept: CodedConcept | None) -> str:
    return f"{concept.scheme}:{concept.value}" if concept is not None else ""


def write_rows(path: Path, columns: Sequence[str], rows: list[dict[str, Any]], head: dict[str, str], name: str) -> None:
    """Write rows as a table (``.csv``, the columns) or as a document (``.json``, head and all keys of the rows).

    Raises
    ------
    WriteError
        If the suffix is another one, the disk does not take it, or something else came back.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".json"):
        raise WriteError(f"{path}: {name} are written as .csv or .json.")
    document = {**head, name: rows}
    text = _csv(columns, rows) if suffix == ".csv" else _json(document)
    try:
        with atomic_writer(path) as file:
            file.write(text.encode())
            file.flush()
            written = Path(file.name)
            is_same = _holds_rows(written, columns, rows) if suffix == ".csv" else _holds(written, document)
            if not is_same:
                raise WriteError(f"{path}: came back with other {name} than were written; nothing was left.")
    except OSError as error:
        raise WriteError(f"{path}: could not be written ({error.strerror or error}); nothing was left.") from error


def _holds_rows(written: Path, columns: Sequence[str], rows: list[dict[str, Any]]) -> bool:
    """Read a table again and compare it, cell by cell."""
    with written.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    meant = [{column: _cell(row.get(column, "")) for column in columns} for row in rows]
    return found == meant


def _holds(written: Path, document: dict[str, Any]) -> bool:
    return bool(json.loads(written.read_text(encoding="utf-8")) == document)


def _csv(columns: Sequence[str], rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    return out.getvalue()


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    """Write a cell so that no spreadsheet takes text for a formula (OWASP, CSV injection)."""
    if not isinstance(value, str):
        return repr(value)
    one_line = re.sub(r"[\r\n]+", " ", value)  # csv does not quote a lone CR, which ends a row for its readers
    is_dangerous = value.startswith(_FORMULA_STARTS) or one_line.lstrip().startswith(_FORMULA_STARTS)
    return f"'{one_line}" if is_dangerous else one_line
