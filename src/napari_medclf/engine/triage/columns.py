"""A table of numbers that grows by a row at a time, and takes little more memory than its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_UNKNOWN = float("nan")


class Columns:
    """Rows of named numbers; each may have other names.

    >>> columns = Columns([{"a": 1.0}, {"b": 2.0}])
    >>> columns.names, columns.table().tolist()
    (('a', 'b'), [[1.0, nan], [nan, 2.0]])
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()) -> None:
        self._columns: dict[str, array[float]] = {}
        self._n_rows = 0
        for row in rows:
            self.add(row)

    def __len__(self) -> int:
        return self._n_rows

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._columns))

    def add(self, row: Mapping[str, float]) -> None:
        """Take one more row."""
        for name, number in row.items():
            column = self._columns.setdefault(name, array("d"))
            _fill_up(column, self._n_rows)
            column.append(number)
        self._n_rows += 1

    def table(self, names: Sequence[str] | None = None) -> NDArray[np.float64]:
        """Give the numbers (n, t) of some columns, in their order, or of all `names`; NaN where a row has none."""
        wanted = self.names if names is None else names
        table = np.full((self._n_rows, len(wanted)), _UNKNOWN)
        for place, name in enumerate(wanted):
            column = self._columns.get(name, array("d"))
            table[: len(column), place] = column
        return table


def _fill_up(column: array[float], n_rows: int) -> None:
    missing = n_rows - len(column)
    if missing:
        column.extend([_UNKNOWN] * missing)
