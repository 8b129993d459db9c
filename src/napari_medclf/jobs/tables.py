"""Rows as CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def table_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows under the columns of all of them, in the order they come; what is not defined stays empty."""
    from napari_medclf.store.results_csv import safe_cell

    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in columns])
    for row in rows:
        cells = (row.get(name) for name in columns)
        writer.writerow(["" if cell is None or cell != cell else safe_cell(cell) for cell in cells])
    return text.getvalue()
