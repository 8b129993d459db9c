"""Compare the numbers of many cases with each other, and with those of the cases a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.columns import Columns
from napari_medclf.engine.triage.figures import Figures, from_training
from napari_medclf.engine.triage.spread import LARGEST, Table, centre_and_spread


@dataclass(frozen=True, eq=False)
class Compared:
    """How far every number of every case is from what is usual.

    Parameters
    ----------
    numbers : (n, t)
        As they are.
    usual : (t,)
        What they are usually: the median of the cases, or of the training where there are too few cases.
    apart : (n, t)
        How many spreads a number is from the usual one; NaN where that cannot be said.
    """

    names: tuple[str, ...]
    numbers: Table
    usual: NDArray[np.float64]
    apart: Table

    def number(self, name: str, row: int) -> float:
        """A number of one case; NaN where it has none."""
        return float(self.numbers[row, self.names.index(name)]) if name in self.names else float("nan")

    def of_kind(self, *kinds: str) -> NDArray[np.intp]:
        """Columns whose name begins with one of some kinds, such as ``shape``."""
        return np.flatnonzero([name.partition(":")[0] in kinds for name in self.names])

    def columns(self, names: Sequence[str]) -> Table:
        """Numbers (n, t) of some names, all of which there must be."""
        return self.numbers[:, [self.names.index(name) for name in names]]

    def has_all(self, names: Sequence[str]) -> bool:
        """Whether every case has all numbers of these names."""
        return set(names) <= set(self.names) and bool(np.isfinite(self.columns(names)).all())


def compare(rows: Columns | Iterable[Mapping[str, float]], figures: Figures | None = None) -> Compared:
    """Compare the cases of a run.

    Parameters
    ----------
    rows : Columns, or iterable of dict
        The numbers of each case, by ``kind:name``.
    figures : Figures or None
        Of the training cases. Where both are known, a number's distance is the mean of the one to the other cases and
        the one to the training.

    Notes
    -----
    Distances are in robust standard deviations (1.4826 times the median absolute deviation), widened where cases are
    few. With fewer than 5 cases that have a number, only the training tells what is usual.
    """
    columns = rows if isinstance(rows, Columns) else Columns(rows)
    names, numbers = columns.names, columns.table()
    centre, spread = centre_and_spread(numbers, names)
    apart = (numbers - centre) / spread
    if figures is not None and figures.n_cases:
        apart = _mean_of_both(apart, from_training(numbers, names, figures))
        learned = np.array([figures.centres.get(name, np.nan) for name in names])
        centre = np.where(np.isfinite(centre), centre, learned)
    return Compared(names, numbers, centre, apart)


def root_mean_square(apart: Table) -> NDArray[np.float64]:
    """How far a case is from the usual in all columns together, (n,); about 1 for a usual case, NaN without numbers."""
    squares = np.minimum(np.abs(apart), LARGEST) ** 2
    n_known = np.isfinite(squares).sum(axis=1)
    total = np.nansum(squares, axis=1)
    return np.where(n_known > 0, np.sqrt(total / np.maximum(n_known, 1)), np.nan)


def _mean_of_both(first: Table, second: Table) -> Table:
    mean = (first + second) / 2
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, mean))
