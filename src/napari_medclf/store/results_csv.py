"""A run's results as a table that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from napari_medclf.domain.run import CaseRecord, RunRecord

_FIRST = ("case_id", "source", "status", "reason", "model", "model_version", "top_class")
_LAST = "seconds"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def results_csv(head: RunRecord, each_case: Callable[[], Iterable[CaseRecord]]) -> Iterator[str]:
    """Make ``results.csv`` line by line: one row a case, in the run's order.

    The columns are case_id, source, status, reason, model, model_version, top_class, then every
    key of the cases' `values` (``score:<class>`` first), then seconds.

    Parameters
    ----------
    head : RunRecord
        Names the model; its own cases are not looked at.
    each_case : callable
        Gives all cases; asked twice, for the columns and for the rows.
    """
    columns = _value_columns(each_case())
    yield csv_line([*_FIRST, *columns, _LAST])
    for case in each_case():
        fixed = [case.case_id, case.source, case.status, case.reason, head.model, head.model_version]
        values = [case.values.get(name, "") for name in ("top_class", *columns)]
        yield csv_line([safe_cell(cell) for cell in (*fixed, *values, round(case.elapsed_s, 3))])


def csv_line(cells: Sequence[str]) -> str:
    r"""Write one row of a table.

    >>> csv_line(["a", "b, c"])
    'a,"b, c"\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def safe_cell(value: object) -> str:
    """Write a cell so that no spreadsheet takes it for a formula (OWASP, CSV injection).

    >>> safe_cell("=1+1"), safe_cell(-1.5), safe_cell("-1.5")
    ("'=1+1", '-1.5', '-1.5')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    one_line = re.sub(r"[\r\n]+", " ", text)  # csv does not quote a lone CR, which ends a row for its readers
    if (text.startswith(_DANGEROUS) or one_line.lstrip().startswith(_DANGEROUS)) and not _is_number(text):
        return "'" + one_line
    return one_line


def _value_columns(cases: Iterable[CaseRecord]) -> list[str]:
    seen = dict.fromkeys(name for case in cases for name in case.values if name != "top_class")
    return sorted(seen, key=lambda name: not name.startswith("score:"))  # stable: else as they came


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
